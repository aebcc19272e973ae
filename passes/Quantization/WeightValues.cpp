#include "passes/Quantization/WeightValues.h"

#include "dialects/Lm/LmWeights.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace llmc::passes {

FailureOr<std::optional<WeightView>> floatViewOf(lm::WeightOp weight) {
  RankedTensorType type = weight.tensorType();
  int64_t rank = type.getRank();
  if (!type.getElementType().isF32() || rank < 1 || rank > 2)
    return std::optional<WeightView>();
  FailureOr<lm::WeightView> bytes = lm::viewOf(weight);
  if (failed(bytes))
    return failure();
  if (*llvm::max_element(bytes->shape) > std::numeric_limits<uint32_t>::max())
    return weight.emitOpError() << "@" << weight.getSymName()
                                << " has more than 2^32 rows or columns";
  WeightView view;
  view.base = bytes->data;
  view.storage = bytes->elementType.isF16()    ? FloatStorage::F16
                 : bytes->elementType.isBF16() ? FloatStorage::Bf16
                                               : FloatStorage::F32;
  view.offset = bytes->offset;
  view.rowStride = rank == 2 ? bytes->strides[0] : 0;
  view.columnStride = bytes->strides[rank - 1];
  view.rows = rank == 2 ? uint32_t(bytes->shape[0]) : 1;
  view.columns = uint32_t(bytes->shape[rank - 1]);
  return std::optional(view);
}

void tellDone(const DoneReading &done, lm::WeightOp weight) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(weight.getValue());
  const AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  if (done && blob)
    done(blob->getData());
}

ElementsAttr constantLike(ElementsAttr like, StringRef name, RankedTensorType type,
                          ArrayRef<char> bytes) {
  if (!isa<DenseResourceElementsAttr>(like))
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  size_t align = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  return DenseResourceElementsAttr::get(
      type, name, HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, align));
}

} // namespace llmc::passes
