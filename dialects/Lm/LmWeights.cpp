// Reading the bytes behind an lm.weight without copying them.
#include "dialects/Lm/LmWeights.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace llmc::lm {

FailureOr<WeightView> viewOf(WeightOp weight) {
  WeightView view;
  RankedTensorType type = weight.tensorType();
  view.elementType = type.getElementType();
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

WeightOp weightOf(Value value) {
  auto get = value.getDefiningOp<GetOp>();
  return get ? SymbolTable::lookupNearestSymbolFrom<WeightOp>(get, get.getWeightAttr())
             : WeightOp();
}

} // namespace llmc::lm
