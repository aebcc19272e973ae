// A plan file opened for looking at it: mapped, verified, and read through the generated reader.
#ifndef LLMC_COMPILER_EMIT_PLANVIEW_H
#define LLMC_COMPILER_EMIT_PLANVIEW_H

#include <memory>
#include <span>
#include <string>

#include "runtime/plan/plan.h"

namespace llmc::plan::fb {
struct Plan;
}

namespace llmc {

class PlanView {
public:
  /// Null with a sentence in `error` where the file is missing, foreign or corrupt.
  static std::unique_ptr<PlanView> open(const std::string &path, std::string &error);
  /// The same over bytes in memory, 16-byte aligned, that outlive the view.
  static std::unique_ptr<PlanView> open(std::span<const uint8_t> bytes, std::string &error);

  const rt::Plan &plan() const { return opened; }
  /// The generated reader's root: include runtime/schema/plan_generated.h to use it.
  const plan::fb::Plan &root() const { return *generated; }
  std::span<const uint8_t> segment(uint32_t index) const;
  std::span<const uint8_t> bytes() const { return file; }
  /// Compares root and segments with their digests; empty, or a sentence naming the first that
  /// differs.
  std::string checkDigests() const;

private:
  PlanView() = default;
  std::string load();

  std::shared_ptr<const void> owner;
  std::span<const uint8_t> file;
  llmc_source source = {};
  rt::Plan opened;
  const plan::fb::Plan *generated = nullptr;
};

/// The platform table's SHA-256 hook, by libcrypto.
llmc_status sha256Hook(void *ctx, const void *data, size_t size, uint8_t out[32]);

} // namespace llmc

#endif
