// Runs every level of a compilation and compares it with the reference, bit for bit.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassInstrumentation.h"

#include <cstdint>
#include <memory>
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
  /// `reference` holds `@main`; it is cloned. Chunks are `chunks` rows from position 0, each
  /// followed by one decoded token.
  LevelComparison(mlir::ModuleOp reference, std::vector<int64_t> chunks);
  ~LevelComparison();

  /// Nothing, or what differs first: the operation, its place in the run and the entry. Modules
  /// without lm entries are not judged.
  std::string compare(mlir::ModuleOp module);

  /// The prompt that the comparison feeds, and the reference's logits of all of its positions.
  const std::vector<int32_t> &ids() const;
  const std::vector<float> &logits() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

/// Judges the module after every pass that leaves lm entries; the first difference is kept in
/// `failure`, with the pass's name.
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
