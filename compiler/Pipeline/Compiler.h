// The compiler as a library: models in, plans and logits out. No MLIR in this header.
#pragma once

#include "targets/Interface/Target.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace llmc {

struct CompileOptions {
  std::string model;    ///< ONNX file. Tokenizer and configuration are looked for beside it.
  std::string machine;  ///< Name of a machine in the registry.
  std::string quant;    ///< Recipe name or recipe file; empty: w4a8, or keep where the graph brings
                        ///< its own grids.
  uint32_t context = 0; ///< Tokens; 0: the model's.
  /// Bytes of memory for weights, which then lie in paged flash; 0: they are used where they lie.
  uint64_t weightBudget = 0;
  /// Name of a machine whose kernels do what `machine` does not support; empty: none. Both must see
  /// the same memory.
  std::string fallback;
  bool requireFullOffload = false; ///< Whatever would run on the fallback is an error.
  std::string output;              ///< Plan file, written beside and renamed.
  /// Run every level on a short prompt and compare it with the quantized reference, bit for bit.
  bool compareAfterEach = false;
  /// Runs a plan file on its device: logits of every id. Gives the comparison its last level.
  std::function<bool(const std::string &plan, std::span<const int32_t> ids,
                     std::vector<float> &logits, std::string &error)>
      execute;
};

/// What went wrong, as one message that says what, where, the limit and what to do. Empty: nothing.
struct CompileResult {
  std::string error;
  std::string reportJson; ///< The compile report (docs/format/report.md).
  std::vector<std::string> warnings;
};

/// `host` serves targets that emit kernels.
CompileResult compileModel(const CompileOptions &options, const target::TargetRegistry &targets,
                           const target::HostServices &host);

/// Logits of a chunk, row after row, each of `vocabulary` fp32 values.
using ChunkLogits =
    std::function<bool(std::span<const float> logits, uint32_t rows, uint32_t vocabulary)>;

/// A model executed by the reference evaluator.
class ReferenceModel {
public:
  virtual ~ReferenceModel() = default;
  virtual uint32_t vocabulary() const = 0;
  virtual uint32_t context() const = 0;
  /// Forgets all positions.
  virtual void reset() = 0;
  /// Feeds ids behind the current position and appends rows*vocabulary() logits to `logits`. False
  /// with `error` set on bad ids, a full context or a value that is not finite (named by its
  /// operation).
  virtual bool feed(std::span<const int32_t> ids, std::vector<float> &logits,
                    std::string &error) = 0;
};

struct ReferenceOptions {
  std::string model;
  std::string quant; ///< Empty: fp32 (or the graph's own grids).
  uint32_t context = 0;
};

/// Imports, raises and, with a recipe, quantizes. Null with `error` set on failure.
std::unique_ptr<ReferenceModel> loadReference(const ReferenceOptions &options, std::string &error);

/// Text of a named recipe, or null with `error` listing the known ones.
std::optional<std::string> recipeText(const std::string &name, std::string &error);

} // namespace llmc
