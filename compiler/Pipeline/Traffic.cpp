#include "compiler/Pipeline/Traffic.h"

#include "dialects/Lm/Lm.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace llmc {

namespace {

/// Bytes of one row of a quantized matrix with its share of scales, without padding.
uint64_t rowBytes(lm::FormatAttr format, int64_t columns) {
  uint64_t bits = uint64_t(columns) * format.elementBits(),
           groups = uint64_t(format.groupsPerRow(columns));
  if (format.getScale() == lm::ScaleKind::Multiplier)
    return llvm::divideCeil(bits + groups * 4, 8) + 4;
  return llvm::divideCeil(bits, 8) + groups * (format.getScale() == lm::ScaleKind::F16 ? 2 : 4);
}

int64_t dim(Value value, unsigned axis) {
  return cast<RankedTensorType>(value.getType()).getDimSize(axis);
}

} // namespace

CompulsoryTraffic compulsoryTraffic(ModuleOp module) {
  CompulsoryTraffic traffic;
  llvm::DenseSet<Attribute> tables;
  module.walk([&](Operation *op) {
    if (auto linear = dyn_cast<lm::QuantizedLinearOp>(op)) {
      traffic.weightBytes += uint64_t(dim(linear.getWeight(), 0)) *
                             rowBytes(linear.getFormat(), dim(linear.getWeight(), 1));
      if (linear.getBias())
        traffic.weightBytes += uint64_t(dim(linear.getBias(), 0)) * 4;
    } else if (auto embed = dyn_cast<lm::QuantizedEmbedOp>(op)) {
      traffic.weightBytes += rowBytes(embed.getFormat(), dim(embed.getTable(), 1));
    } else if (auto norm = dyn_cast<lm::RmsNormOp>(op)) {
      traffic.weightBytes += uint64_t(dim(norm.getWeight(), 0)) * 4;
    } else if (auto rope = dyn_cast<lm::RopeOp>(op)) {
      if (rope.getRope() && tables.insert(rope.getRopeAttr()).second)
        traffic.weightBytes += uint64_t(rope.getRopeAttr().getDim()) * 4;
    } else if (auto state = dyn_cast<lm::KvStateOp>(op)) {
      traffic.kvBytesPerPosition += uint64_t(state.getLayers()) * 2 * state.getKvHeads() *
                                    state.getHeadDim() *
                                    (state.getElement().getIntOrFloatBitWidth() / 8);
    } else if (auto function = dyn_cast<func::FuncOp>(op)) {
      traffic.ioBytes +=
          4 +
          uint64_t(cast<RankedTensorType>(function.getFunctionType().getResult(0)).getDimSize(1)) *
              4;
    }
  });
  return traffic;
}

} // namespace llmc
