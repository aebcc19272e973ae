// Turns one entry function into one npu.program.
#pragma once

#include "dialects/Npu/Npu.h"
#include "passes/Memory/LayoutWeights.h"
#include "passes/Tiling/ProgramBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace llmc::passes {

/// Where things lie off chip, the same for all entries of a module.
struct OffChipLayout {
  int64_t maxRows = 1;      ///< Of an entry; Io begins with so many hidden rows.
  int64_t logitsOffset = 0; ///< In Io, behind them.
};

/// A constant as an entry addresses it.
struct ConstantPlace {
  int64_t offset = 0, tripStride = 0;
};

class EntryTiler {
public:
  EntryTiler(mlir::ModuleOp module, mlir::func::FuncOp entry, npu::TargetAttr target,
             const OffChipLayout &layout);
  mlir::LogicalResult run();

private:
  // EntryTiler.cpp
  mlir::LogicalResult tileBlock(mlir::Block &block);
  mlir::LogicalResult checkOperands(mlir::Operation *op);
  mlir::LogicalResult tileOp(mlir::Operation *op);
  mlir::LogicalResult tileRepeat(lm::RepeatOp repeat);
  /// Tiles the layer function for layers [first, first + count): as one loop, or one layer in line
  /// where count is 1 and not looped.
  mlir::LogicalResult tileLayers(lm::RepeatOp repeat, int64_t first, bool looped);
  mlir::LogicalResult tileGroup(lm::GroupOp group);
  mlir::LogicalResult tileReturn(mlir::func::ReturnOp ret);
  mlir::FailureOr<ConstantPlace> placeOf(mlir::Value value);
  void bindArguments();
  const TileTensor &tensorOf(mlir::Value value) { return tensors.find(value)->second; }
  /// The result's buffer: `lhs` itself where nobody reads it later.
  TileTensor resultLike(mlir::Operation *op, mlir::Value lhs, const std::string &label);
  bool isLastUse(mlir::Value value, mlir::Operation *op);

  // TileLinear.cpp
  struct LinearTiles {
    ConstantPlace place;
    int64_t record = 0, rows = 0, columns = 0, rowsPerTile = 0;
  };
  mlir::FailureOr<LinearTiles> tilesOf(lm::QuantizedLinearOp linear);
  /// Loads tile [first, first + count) and multiplies into `out`.
  void tileRows(lm::QuantizedLinearOp linear, const LinearTiles &tiles, int64_t first,
                int64_t count, const OperandView &out, const std::string &label);
  mlir::LogicalResult tileLinear(lm::QuantizedLinearOp linear);
  mlir::LogicalResult tileLogits(lm::QuantizedLinearOp linear);
  mlir::LogicalResult tileGatedGroup(lm::GroupOp group, lm::QuantizedLinearOp gate,
                                     lm::QuantizedLinearOp up, lm::GatedActOp gated);

  // TileVector.cpp
  mlir::LogicalResult tileRowwise(llvm::ArrayRef<mlir::Operation *> ops, mlir::ValueRange results,
                                  const std::string &label);
  mlir::FailureOr<OperandView> loadVector(mlir::Value vector, const std::string &label);
  mlir::LogicalResult tileEmbed(lm::QuantizedEmbedOp embed);
  mlir::LogicalResult tileRope(lm::RopeOp rope, mlir::Value result);
  mlir::FailureOr<TileTensor> ropeRows(lm::RopeOp rope);

  // TileAttention.cpp
  struct AttentionPlan;
  mlir::LogicalResult tileAttention(lm::AttentionOp attention);
  int64_t cachedCount(const AttentionPlan &plan, int64_t load);
  mlir::Value loadCache(const AttentionPlan &plan, int64_t head, int64_t load, bool isValue);
  void tileHead(const AttentionPlan &plan, int64_t head);
  void scoreBlock(const AttentionPlan &plan, int64_t head, int64_t block);
  void softmaxBlock(const AttentionPlan &plan, int64_t head, int64_t block);
  void valueBlock(const AttentionPlan &plan, int64_t head, int64_t block);
  void appendState(const AttentionPlan &plan);

  int64_t streamLimit() const;

  mlir::ModuleOp module;
  mlir::func::FuncOp entry;
  npu::TargetAttr target;
  OffChipLayout layout;
  mlir::SymbolTable symbols;
  mlir::OpBuilder builder;
  npu::ProgramOp program;
  std::unique_ptr<ProgramBuilder> out;
  int64_t rows = 1;
  int64_t positionArgument = -1, tokensArgument = -1;

  llvm::DenseMap<mlir::Value, TileTensor> tensors;
  llvm::DenseMap<mlir::Value, ConstantPlace>
      layerConstants; ///< Weight arguments of the layer function being tiled.
  llvm::DenseMap<mlir::Attribute, TileTensor>
      ropeTables;           ///< By formula; rows of this chunk's positions.
  int64_t layerFirst = 0;   ///< KV layer of the layer function being tiled, in its first trip.
  bool layerLooped = false; ///< Whether later trips are later layers.
};

} // namespace llmc::passes
