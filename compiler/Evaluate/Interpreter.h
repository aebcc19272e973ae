// The evaluator's machinery.
#pragma once

#include "compiler/Evaluate/Evaluator.h"
#include "compiler/Evaluate/Kernels.h"
#include "dialects/Lm/LmWeights.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

#include <map>

namespace llmc::evaluate {

/// A weight and, where a kernel needs its elements side by side, a copy of them.
struct LoadedWeight {
  lm::WeightOp op;
  lm::WeightView view;
  std::vector<char> packed;

  unsigned elementBytes() const { return (view.elementType.getIntOrFloatBitWidth() + 7) / 8; }
  int64_t elements() const;
  const char *at(int64_t element) const { return view.data + element * elementBytes(); }
  /// Elements of the weight's type, in row-major order without gaps.
  const char *dense();
};

using Buffer = std::vector<char>;

/// A value at run time: a tensor, a weight or an integer.
struct Datum {
  mlir::Type elementType;
  llvm::SmallVector<int64_t, 2> shape;
  std::shared_ptr<Buffer> buffer;
  LoadedWeight *weight = nullptr;
  int64_t integer = 0;

  template <class T> T *as() const { return reinterpret_cast<T *>(buffer->data()); }
  int64_t elements() const;
  size_t bytes() const;
};

/// Storage of results, reused as soon as no value refers to it.
class BufferPool {
public:
  std::shared_ptr<Buffer> take(size_t bytes);

private:
  std::vector<std::shared_ptr<Buffer>> buffers;
};

class Interpreter {
public:
  explicit Interpreter(unsigned threads) : workers(threads) {}

  mlir::LogicalResult prepare(mlir::ModuleOp module, llvm::StringRef function);
  /// `input` is the datum of the ids or rows.
  mlir::LogicalResult run(Datum input, int64_t position, EvaluatorState &state,
                          std::vector<float> &result);

  Datum newDatum(mlir::Type elementType, llvm::ArrayRef<int64_t> shape);

  Tap tap;
  uint64_t saturated = 0;
  mlir::func::FuncOp function;

private:
  // Interpreter.cpp: preparation and structure.
  mlir::LogicalResult prepareFunction(mlir::func::FuncOp function);
  mlir::LogicalResult checkSupported(mlir::Operation *op);
  mlir::LogicalResult loadWeight(mlir::Operation *user, mlir::FlatSymbolRefAttr symbol);
  void findLastUses(mlir::func::FuncOp function);
  mlir::LogicalResult bindArguments(Datum input, int64_t position);
  mlir::LogicalResult runBlock(mlir::Block &block, llvm::SmallVectorImpl<Datum> &results);
  mlir::LogicalResult runOp(mlir::Operation *op);
  mlir::LogicalResult runGroup(lm::GroupOp op);
  mlir::LogicalResult runRepeat(lm::RepeatOp op);
  /// Stores a result: checks it, shows it to the tap.
  mlir::LogicalResult define(mlir::Operation *op, unsigned result, Datum datum);

  // InterpreterOps.cpp: computation.
  mlir::LogicalResult runComputation(mlir::Operation *op);
  mlir::LogicalResult compute(lm::EmbedOp op);
  mlir::LogicalResult compute(lm::QuantizedEmbedOp op);
  mlir::LogicalResult compute(lm::LinearOp op);
  mlir::LogicalResult compute(lm::QuantizeRowsOp op);
  mlir::LogicalResult compute(lm::QuantizedLinearOp op);
  mlir::LogicalResult compute(lm::RmsNormOp op);
  mlir::LogicalResult compute(lm::RopeOp op);
  mlir::LogicalResult compute(lm::RoundF16Op op);
  mlir::LogicalResult compute(lm::AttentionOp op);
  mlir::LogicalResult compute(lm::GatedActOp op);
  mlir::LogicalResult compute(lm::AddOp op);

  const Datum &value(mlir::Value value) { return values.find(value)->second; }
  FloatMatrix matrixOf(mlir::Value value);
  QuantizedMatrix quantizedOf(mlir::Value weight, mlir::Value scales, mlir::Value multipliers,
                              lm::FormatAttr format);
  const float *vectorOf(mlir::Value value);
  const char *denseOf(mlir::Value value);
  const RopeTable &tableOf(lm::RopeOp op, int64_t positions);
  RopeTable explicitTable(lm::RopeOp op);
  /// Puts the chunk's rows behind those of the cache; returns the cache's first row.
  const char *append(std::vector<char> &cache, size_t rowBytes, const Datum &rows);

  mlir::ModuleOp module;
  mlir::SymbolTableCollection tables;
  Workers workers;
  BufferPool pool;
  llvm::MapVector<mlir::StringAttr, std::unique_ptr<LoadedWeight>> weights;
  llvm::DenseMap<mlir::Value, Datum> values;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value, 2>> lastUses;
  llvm::DenseSet<mlir::Operation *> prepared;
  std::map<std::pair<const void *, const void *>, RopeTable> ropeTables;
  EvaluatorState *state = nullptr;
  bool usesState = false; ///< The function has an attention.
  int64_t start = 0;      ///< Position of the chunk's first row.
  int64_t layer = -1;     ///< Of the lm.repeat that runs.
};

} // namespace llmc::evaluate
