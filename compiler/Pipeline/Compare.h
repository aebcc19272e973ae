// Runs every level of a compilation and compares it with the reference, bit for bit.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassInstrumentation.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace llmc {

/// One result of one operation, as a level computed it.
struct LevelValue {
  std::string operation; ///< Name of the operation and, where it has one, of the tensor it reads.
  uint64_t digest = 0;
};

/// What one run of a chunk computed: every operation's results in order, then the logits.
struct LevelRun {
  std::vector<LevelValue> values;
  std::vector<float> logits;
};

/// Compares a module that holds lm entries with the quantized `@main` it came from.
class LevelComparison {
public:
  /// `reference` holds `@main`; it is cloned. `chunks` says how long the prompt should be: the
  /// largest chunk and two tokens, as far as the context reaches.
  LevelComparison(mlir::ModuleOp reference, std::span<const int64_t> chunks);
  ~LevelComparison();

  /// Nothing, or what differs first: the operation, its place in the run and the entry. Every
  /// prefill entry is fed a full and a partial chunk, with decoded tokens behind it. Modules
  /// without lm entries are not judged.
  std::string compare(mlir::ModuleOp module);

  /// How many sequences of calls were compared and found equal.
  uint64_t comparisons() const { return judged; }
  /// The prompt that the comparison feeds, and the reference's logits of all of its positions; none
  /// where the reference itself fails.
  const std::vector<int32_t> &ids() const;
  const std::vector<float> &logits() const;

private:
  struct State;
  std::unique_ptr<State> state;
  uint64_t judged = 0;
};

/// Judges the module after every pass that leaves lm entries (passes on functions too, so run
/// single-threaded); the first difference is kept in `failure`, with the pass's name.
class CompareAfterEach : public mlir::PassInstrumentation {
public:
  CompareAfterEach(std::shared_ptr<LevelComparison> comparison,
                   std::shared_ptr<std::string> failure)
      : comparison(std::move(comparison)), failure(std::move(failure)) {}
  void runAfterPass(mlir::Pass *pass, mlir::Operation *op) override;

private:
  std::shared_ptr<LevelComparison> comparison;
  std::shared_ptr<std::string> failure;
};

} // namespace llmc
