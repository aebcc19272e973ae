// Reading the bytes behind an lm.weight without copying them.
#include "dialects/Lm/LmWeights.h"

#include "runtime/base/numerics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/bit.h"

#include <cstring>

using namespace mlir;

namespace llmc::lm {

FailureOr<WeightView> viewOf(WeightOp weight) {
  WeightView view;
  RankedTensorType type = weight.tensorType();
  view.elementType = cast<ShapedType>(weight.getValue().getType()).getElementType();
  view.shape.assign(type.getShape().begin(), type.getShape().end());
  view.offset = weight.getOffset().value_or(0);
  if (auto strides = weight.getStrides()) {
    view.strides.assign(strides->begin(), strides->end());
  } else {
    view.strides.assign(type.getRank(), 1);
    for (int64_t axis = type.getRank() - 2; axis >= 0; --axis)
      view.strides[axis] = view.strides[axis + 1] * type.getDimSize(axis + 1);
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(weight.getValue())) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return weight.emitOpError()
             << "@" << weight.getSymName() << ": the bytes of resource '"
             << resource.getRawHandle().getKey()
             << "' are not in this file; print the module without eliding resources";
    auto stored = cast<ShapedType>(weight.getValue().getType());
    unsigned bits = stored.getElementTypeBitWidth();
    if (blob->getData().size() < size_t(stored.getNumElements()) * ((bits + 7) / 8))
      return weight.emitOpError() << "@" << weight.getSymName() << ": resource holds "
                                  << blob->getData().size() << " bytes, too few for " << stored;
    view.data = blob->getData().data();
    return view;
  }
  if (auto dense = dyn_cast<DenseElementsAttr>(weight.getValue())) {
    view.data = dense.getRawData().data();
    view.isSplat = dense.isSplat();
    if (view.isSplat) {
      view.offset = 0;
      llvm::fill(view.strides, 0);
    }
    return view;
  }
  return weight.emitOpError() << "@" << weight.getSymName() << ": unsupported kind of constant";
}

float floatAt(const WeightView &view, int64_t element) {
  const char *at = view.data + element * (view.elementType.getIntOrFloatBitWidth() / 8);
  if (view.elementType.isF32()) {
    float value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  assert((view.elementType.isF16() || view.elementType.isBF16()) && "no other floats widen");
  uint16_t half;
  std::memcpy(&half, at, sizeof half);
  return view.elementType.isF16() ? llmc_f16_bits_to_f32(half)
                                  : llvm::bit_cast<float>(uint32_t(half) << 16);
}

std::vector<float> floatsOf(const WeightView &view, int64_t first, int64_t count) {
  std::vector<float> floats;
  int64_t rowElements = 1;
  for (int64_t size : ArrayRef<int64_t>(view.shape).drop_front())
    rowElements *= size;
  floats.reserve(size_t(count * rowElements));
  for (int64_t row = first; row < first + count; ++row)
    for (int64_t element = 0; element < rowElements; ++element) {
      int64_t rest = element, place = view.offset + row * view.strides[0];
      for (size_t axis = view.shape.size() - 1; axis > 0; --axis) {
        place += rest % view.shape[axis] * view.strides[axis];
        rest /= view.shape[axis];
      }
      floats.push_back(floatAt(view, place));
    }
  return floats;
}

bool isWidened(WeightOp weight) {
  return weight.tensorType().getElementType() !=
         cast<ShapedType>(weight.getValue().getType()).getElementType();
}

WeightOp weightOf(Value value) {
  auto get = value.getDefiningOp<GetOp>();
  return get ? SymbolTable::lookupNearestSymbolFrom<WeightOp>(get, get.getWeightAttr())
             : WeightOp();
}

} // namespace llmc::lm
