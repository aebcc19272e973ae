// Entries for machines whose kernels address every memory directly: one kernel for each operation
// or group, on whole tensors.
#pragma once

#include "passes/Tiling/EntryTiler.h"

namespace llmc::passes {

class DirectTiler : public EntryTiler {
public:
  using EntryTiler::EntryTiler;
  mlir::LogicalResult run();

private:
  mlir::LogicalResult tileReturn(mlir::func::ReturnOp ret) override;
  mlir::LogicalResult tileLinear(lm::QuantizedLinearOp linear) override;
  mlir::LogicalResult tileLogits(lm::QuantizedLinearOp linear) override;
  mlir::LogicalResult tileGatedGroup(lm::GroupOp group, lm::QuantizedLinearOp gate,
                                     lm::QuantizedLinearOp up, lm::GatedActOp gated) override;
  mlir::LogicalResult tileEmbed(lm::QuantizedEmbedOp embed) override;
  mlir::LogicalResult tileAttention(lm::AttentionOp attention) override;
  mlir::Value loadConstant(const std::string &label, const ConstantPlace &place,
                           int64_t bytes) override;
  TileTensor loadRows(const std::string &label, TileTensor shape, npu::Space space, int64_t offset,
                      int64_t argument) override;

  mlir::LogicalResult tileRowwise(llvm::ArrayRef<mlir::Operation *> ops, mlir::ValueRange results,
                                  const std::string &label) override;
  TileTensor rotatedTensor(mlir::Value value, int64_t columns, npu::Element element) override;

  /// The linear layers from `first` on that read the same rows and whose weights follow its own, as
  /// far as their device takes all as one product.
  llvm::SmallVector<lm::QuantizedLinearOp> adjacentTo(lm::QuantizedLinearOp first);
  /// `columns` are those of the layers, side by side.
  mlir::LogicalResult multiply(llvm::ArrayRef<lm::QuantizedLinearOp> linears, int64_t columns,
                               const TileTensor &result, const std::string &label,
                               npu::Epilogue epilogue = npu::Epilogue::Store);
  /// The sum that `linear` alone goes into, where it can be added to the other term in place.
  lm::AddOp addedBy(lm::QuantizedLinearOp linear);
  /// The rows as a linear layer of several rows reads them; packed once for all layers that share
  /// them.
  mlir::FailureOr<OperandView> packedRows(const TileTensor &input, lm::QuantizedLinearOp linear);
  /// Whether the linear layer's device takes a product like it, `columns` wide, as one kernel.
  bool takes(lm::QuantizedLinearOp linear, int64_t columns, npu::Epilogue epilogue);
  /// The chunk's keys or values in the cache, behind the position.
  TileTensor cacheRows(lm::AttentionOp attention, bool isValue);
  /// The attention that alone reads `value`, as keys or as values.
  lm::AttentionOp cachedBy(mlir::Value value);
  void appendRows(const TileTensor &from, const TileTensor &cache, int64_t heads);
  /// A chunk computes as many rows as it is given.
  void bindTokens();

  /// By rows and group, for the target and for the fallback device.
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> packed[2];
  llvm::DenseSet<mlir::Operation *> merged; ///< What an earlier product computed.
};

} // namespace llmc::passes
