// A plan on its device: what the commands that execute plans share. Knows nothing of the compiler.
#pragma once

#include "runtime/drivers/host/plan_file.h"
#include "runtime/lm/lm.h"
#include "tools/llmc/Device.h"
#include "tools/llmc/KernelTimes.h"
#include "tools/llmc/TextCodec.h"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace llmc {

/// Throws InputError for whatever a plan, its file or the ids given do wrong, and a plain
/// runtime_error where the device faults, which no plan of a correct compiler makes it do.
class PlanRunner {
public:
  /// `times`, where given, follows every step and outlives the runner.
  PlanRunner(const std::string &path, const DeviceRegistry &devices,
             const DeviceOptions &options = {}, KernelTimes *times = nullptr);

  const rt::Plan &plan() const { return file->plan(); }
  const std::string &path() const { return place; }
  std::span<const uint8_t> fileBytes() const {
    return {file->fileBytes().data, file->fileBytes().size};
  }
  /// Runs the plan's targets that its entries need; the others have none.
  Device &device() const { return *runs; }
  /// The machine that target was compiled for.
  std::string machine() const;
  const rt::Lm &lm() const { return model; }

  /// Throws where the plan has no tokenizer; `reason` says what it is needed for.
  TextCodec &text(const std::string &reason);
  bool hasText() const { return codec != nullptr; }
  std::optional<int32_t> bos() const;
  bool isEos(int32_t id) const { return eos.count(id) != 0; }

  /// Throws where an id is outside the vocabulary or the ids are more than the context has left.
  void checkIds(std::span<const int32_t> ids) const;
  /// Feeds ids, `chunk` per call (0: all at once), and returns the logits of the last one.
  rt::Logits feed(std::span<const int32_t> ids, size_t chunk = 0);
  /// Feeds ids in one call and appends the logits of each.
  void evaluate(std::span<const int32_t> ids, std::vector<float> &logits);
  void reset();

  /// A number among the plan's metadata.
  std::optional<uint64_t> metadataNumber(const std::string &key) const;

private:
  void bind(const llmc_trace *trace);
  void openTokenizer();
  [[noreturn]] void fail(rt::Status status, const std::string &action) const;

  std::string place;
  std::unique_ptr<const rt::host::PlanFile> file;
  rt::host::RegionMemory memory;
  std::unique_ptr<Device> runs;
  rt::Session session;
  rt::Lm model;
  std::unique_ptr<TextCodec> codec;
  std::set<int32_t> eos;
};

/// The text of a string of the plan.
inline std::string toString(rt::Text text) { return std::string(text.data, text.size); }

} // namespace llmc
