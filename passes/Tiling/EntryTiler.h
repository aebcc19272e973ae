// Turns one entry function into one npu.program.
#pragma once

#include "dialects/Npu/IoLayout.h"
#include "dialects/Npu/Npu.h"
#include "passes/Memory/LayoutWeights.h"
#include "passes/Tiling/ProgramBuilder.h"
#include "passes/Tiling/Staging.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace llmc::passes {

/// A constant as an entry addresses it.
struct ConstantPlace {
  int64_t offset = 0, bytes = 0, tripStride = 0;
  npu::Space space = npu::Space::Weights;
};

class EntryTiler {
public:
  /// Rows of the values in `staged` are kept in scratch.
  EntryTiler(mlir::ModuleOp module, mlir::func::FuncOp entry, npu::TargetAttr target,
             const npu::IoLayout &layout, const StagedValues &staged);
  virtual ~EntryTiler() = default;
  mlir::LogicalResult run();

  npu::ProgramOp result() { return program; }
  const BufferHolders &bufferHolders() const { return holders; }
  llvm::ArrayRef<ScratchTensor> scratchTensors() const { return out->scratchTensors(); }

protected: // what machines that address memory directly do otherwise is virtual
  // EntryTiler.cpp
  mlir::LogicalResult tileBlock(mlir::Block &block);
  mlir::LogicalResult checkOperands(mlir::Operation *op);
  mlir::LogicalResult tileOp(mlir::Operation *op);
  mlir::LogicalResult tileRepeat(lm::RepeatOp repeat);
  /// Tiles the layer function for layers [first, first + count): as one loop, or one layer in line
  /// where count is 1 and not looped.
  mlir::LogicalResult tileLayers(lm::RepeatOp repeat, int64_t first, bool looped);
  mlir::LogicalResult tileGroup(lm::GroupOp group);
  virtual mlir::LogicalResult tileReturn(mlir::func::ReturnOp ret);
  static ConstantPlace placeOf(npu::ConstantOp constant);
  /// Of a table that is `gathered` by row, or of what is read as it is packed.
  mlir::FailureOr<ConstantPlace> placeOf(mlir::Value value, bool gathered = false);
  npu::PlaceAttr placeAttr(const ConstantPlace &place);
  /// The first `bytes` of a constant where commands can read them.
  virtual mlir::Value loadConstant(const std::string &label, const ConstantPlace &place,
                                   int64_t bytes);
  void bindArguments();
  /// Rows of an off-chip tensor from row args[argument] on; `shape` says the rest.
  virtual TileTensor loadRows(const std::string &label, TileTensor shape, npu::Space space,
                              int64_t offset, int64_t argument);
  const TileTensor &tensorOf(mlir::Value value) { return tensors.find(value)->second; }
  void define(mlir::Value value, TileTensor tensor);
  /// A new tensor for `value`, on chip or in scratch; its rows are those of the entry.
  TileTensor newTensor(mlir::Value value, const std::string &label, int64_t columns,
                       npu::Element element);
  /// The result's place: that of `lhs` where nobody reads it later.
  TileTensor resultLike(mlir::Operation *op, mlir::Value lhs, mlir::Value result,
                        const std::string &label);
  bool isLastUse(mlir::Value value, mlir::Operation *op);
  /// Rows that a chain takes at once: all, or what a stream buffer holds where a tensor is off
  /// chip.
  int64_t rowsPerBlock(llvm::ArrayRef<TileTensor> touched);
  void copyRows(const TileTensor &from, const TileTensor &to, const std::string &label);

  // TileLinear.cpp
  static npu::Element weightElementOf(lm::FormatAttr format);
  struct LinearTiles {
    ConstantPlace place;
    int64_t rows = 0, columns = 0, rowsPerTile = 0;
    int64_t granule = 1, granuleBytes = 0; ///< Rows that are packed together.

    int64_t offsetOf(int64_t row) const { return row / granule * granuleBytes; }
    /// The last granule of a matrix may be short.
    int64_t bytesOf(int64_t first, int64_t count) const {
      return (first + count == rows ? place.bytes : offsetOf(first + count)) - offsetOf(first);
    }
  };
  /// Fills in the granule.
  mlir::LogicalResult measure(lm::QuantizedLinearOp linear, LinearTiles &tiles);
  mlir::FailureOr<LinearTiles> tilesOf(lm::QuantizedLinearOp linear);
  /// Loads tile [first, first + count) and multiplies into `result`.
  void tileRows(lm::QuantizedLinearOp linear, const LinearTiles &tiles, int64_t first,
                int64_t count, const TileTensor &result, const std::string &label);
  /// Computes `whole` tile by tile; what is off chip leaves in parts of `partColumns` columns.
  void tileColumns(const TileTensor &whole, int64_t perTile, int64_t partColumns,
                   const std::string &label,
                   llvm::function_ref<void(int64_t index, int64_t first, const TileTensor &)> tile);
  int64_t partColumns(int64_t perTile);
  virtual mlir::LogicalResult tileLinear(lm::QuantizedLinearOp linear);
  virtual mlir::LogicalResult tileLogits(lm::QuantizedLinearOp linear);
  virtual mlir::LogicalResult tileGatedGroup(lm::GroupOp group, lm::QuantizedLinearOp gate,
                                             lm::QuantizedLinearOp up, lm::GatedActOp gated);

  // TileVector.cpp
  /// What a group of row operations reads.
  struct RowInputs {
    llvm::SmallVector<mlir::Value> matrices;
    llvm::DenseMap<mlir::Value, OperandView> vectors; ///< On chip.
  };
  mlir::FailureOr<RowInputs> rowInputs(llvm::ArrayRef<mlir::Operation *> ops);
  void rowBlock(llvm::ArrayRef<mlir::Operation *> ops, const RowInputs &inputs,
                llvm::MutableArrayRef<Outlet> outlets, int64_t first, int64_t count,
                const std::string &label);
  virtual mlir::LogicalResult tileRowwise(llvm::ArrayRef<mlir::Operation *> ops,
                                          mlir::ValueRange results, const std::string &label);
  mlir::FailureOr<OperandView> loadVector(mlir::Value vector, const std::string &label);
  virtual mlir::LogicalResult tileEmbed(lm::QuantizedEmbedOp embed);
  void embedRows(lm::FormatAttr format, const RecordLayout &record, mlir::Value records,
                 int64_t first, const TileTensor &result);

  // TileRope.cpp
  /// Where the rotated rows `value` go.
  virtual TileTensor rotatedTensor(mlir::Value value, int64_t columns, npu::Element element);
  mlir::LogicalResult tileRope(lm::RopeOp rope, mlir::Value result);
  void rotateRows(lm::RopeOp rope, const TileTensor &input, const TileTensor &table,
                  const TileTensor &result);
  mlir::FailureOr<TileTensor> ropeRows(lm::RopeOp rope);

  // TileAttention.cpp
  struct AttentionPlan;
  virtual mlir::LogicalResult tileAttention(lm::AttentionOp attention);
  mlir::LogicalResult checkCache(lm::AttentionOp attention, lm::KvStateOp state);
  AttentionPlan planAttention(lm::AttentionOp attention, lm::KvStateOp state);
  void allocateScores(AttentionPlan &plan);
  int64_t cachedCount(const AttentionPlan &plan, int64_t load);
  mlir::Value loadCache(const AttentionPlan &plan, int64_t head, int64_t load, bool isValue);
  void tileHead(const AttentionPlan &plan, int64_t head, Outlet &outlet);
  void scoreBlock(const AttentionPlan &plan, int64_t head, int64_t block);
  void softmaxBlock(const AttentionPlan &plan, int64_t head, int64_t block);
  void valueBlock(const AttentionPlan &plan, int64_t head, int64_t block, const TileTensor &into);
  void normalizeBlock(const AttentionPlan &plan, const OperandView &result, int64_t blockRows,
                      const TileTensor &sums);
  void appendState(const AttentionPlan &plan);

  int64_t streamLimit() const;

  mlir::ModuleOp module;
  mlir::func::FuncOp entry;
  npu::TargetAttr target;
  npu::IoLayout layout;
  const StagedValues &staged;
  mlir::SymbolTable symbols;
  mlir::OpBuilder builder;
  npu::ProgramOp program;
  std::unique_ptr<ProgramBuilder> out;
  int64_t rows = 1;
  int64_t positionArgument = -1, tokensArgument = -1;

  llvm::DenseMap<mlir::Value, TileTensor> tensors;
  BufferHolders holders;
  llvm::DenseMap<mlir::Value, ConstantPlace>
      layerConstants; ///< Weight arguments of the layer function being tiled.
  llvm::DenseMap<mlir::Attribute, TileTensor>
      ropeTables;           ///< By formula; rows of this chunk's positions.
  int64_t layerFirst = 0;   ///< KV layer of the layer function being tiled, in its first trip.
  bool layerLooped = false; ///< Whether later trips are later layers.
};

} // namespace llmc::passes
