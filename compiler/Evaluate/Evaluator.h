// The reference evaluator: lm programs on concrete inputs, by the rules of docs/numerics.md.
#pragma once

#include "compiler/Evaluate/EvaluatorState.h"

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace llmc::evaluate {

/// What a tap sees: one result of one operation.
struct TapValue {
  mlir::Operation *op;
  unsigned result; ///< Index of the op's result.
  int64_t layer;   ///< Of the lm.repeat around it, -1 outside.
  mlir::Type elementType;
  llvm::ArrayRef<int64_t> shape; ///< Rows are those of this run.
  std::span<const char> data;    ///< Row-major, valid during the call.
};
using Tap = std::function<void(const TapValue &)>;

class Interpreter;

/// Runs one function of a module. The module must outlive the evaluator and not change.
///
/// Row counts are those of the input; a function of static shapes takes up to as many rows as it
/// says. Every result is checked: a NaN or infinity ends the run with an error at the operation.
class Evaluator {
public:
  /// Fails with a diagnostic where the function is missing, has an operation or a format without
  /// reference semantics, or a weight that is not finite. `threads` 0: as many as the machine has.
  static mlir::FailureOr<Evaluator> create(mlir::ModuleOp module, llvm::StringRef function,
                                           unsigned threads = 0);
  Evaluator(Evaluator &&);
  Evaluator &operator=(Evaluator &&);
  ~Evaluator();

  /// Runs on a chunk of token ids whose first has `position`, which must not lie beyond what
  /// `state` holds; later positions are forgotten. `result` becomes the function's result,
  /// row-major: logits, or the hidden state of a function without head.
  mlir::LogicalResult run(std::span<const int32_t> ids, int64_t position, EvaluatorState &state,
                          std::vector<float> &result);
  /// The same for a function that takes rows of `channels` values instead of ids (a head).
  mlir::LogicalResult runRows(std::span<const float> rows, int64_t channels, int64_t position,
                              EvaluatorState &state, std::vector<float> &result);

  void setTap(Tap tap);
  /// Values beyond 65,504 that were saturated on rounding to f16, in all runs.
  uint64_t saturatedHalves() const;
  /// Channels of the result, the vocabulary where it is logits.
  int64_t resultChannels() const;

private:
  explicit Evaluator(std::unique_ptr<Interpreter> interpreter);
  std::unique_ptr<Interpreter> interpreter;
};

} // namespace llmc::evaluate
