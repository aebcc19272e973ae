#include "passes/Raising/WeightViews.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/HostTensor.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include <numeric>

using namespace mlir;

namespace llmc::passes {

bool Strided::isRowMajor() const { return strides == rowMajorStrides(shape); }

Strided stridedOf(lm::WeightOp weight) {
  Strided view;
  view.offset = weight.getOffset().value_or(0);
  view.shape.assign(weight.tensorType().getShape().begin(), weight.tensorType().getShape().end());
  if (auto strides = weight.getStrides())
    view.strides.assign(strides->begin(), strides->end());
  else
    view.strides = rowMajorStrides(view.shape);
  return view;
}

static lm::WeightOp insertWeight(ModuleOp module, StringRef name, RankedTensorType type,
                                 ElementsAttr value, IntegerAttr offset,
                                 DenseI64ArrayAttr strides) {
  lm::WeightOp last;
  for (auto weight : module.getOps<lm::WeightOp>()) {
    if (weight.getValue() == value && weight.getType() == type &&
        weight.getOffsetAttr() == offset && weight.getStridesAttr() == strides)
      return weight;
    last = weight;
  }
  OpBuilder builder(module.getContext());
  if (last)
    builder.setInsertionPointAfter(last);
  else
    builder.setInsertionPointToStart(module.getBody());
  auto weight = lm::WeightOp::create(builder, last ? last.getLoc() : module.getLoc(), name, type,
                                     value, offset, strides, lm::FormatAttr());
  SymbolTable(module).insert(weight); // Makes the name unique.
  return weight;
}

lm::WeightOp viewOfBytes(lm::WeightOp source, const Strided &view) {
  auto module = source->getParentOfType<ModuleOp>();
  Builder builder(module.getContext());
  auto stored = cast<ShapedType>(source.getValue().getType());
  auto type = RankedTensorType::get(view.shape, source.tensorType().getElementType());
  IntegerAttr offset;
  DenseI64ArrayAttr strides;
  if (view.offset != 0 || stored.getShape() != type.getShape() || !view.isRowMajor()) {
    offset = builder.getI64IntegerAttr(view.offset);
    strides = builder.getDenseI64ArrayAttr(view.strides);
  }
  return insertWeight(module, source.getSymName(), type, source.getValue(), offset, strides);
}

lm::WeightOp transposedWeight(lm::WeightOp weight) {
  Strided view = stridedOf(weight);
  std::reverse(view.shape.begin(), view.shape.end());
  std::reverse(view.strides.begin(), view.strides.end());
  return viewOfBytes(weight, view);
}

lm::WeightOp rowsOfWeight(lm::WeightOp weight, int64_t begin, int64_t count) {
  Strided view = stridedOf(weight);
  view.offset += begin * view.strides[0];
  view.shape[0] = count;
  return viewOfBytes(weight, view);
}

lm::WeightOp reshapedWeight(lm::WeightOp weight, ArrayRef<int64_t> shape) {
  Strided view = stridedOf(weight);
  HostTensor before = HostTensor::shapeOnly({}, view.shape);
  if (!view.isRowMajor() || before.size() != HostTensor::shapeOnly({}, shape).size())
    return {};
  view.shape.assign(shape.begin(), shape.end());
  view.strides = rowMajorStrides(shape);
  return viewOfBytes(weight, view);
}

lm::WeightOp addWeight(ModuleOp module, StringRef name, ElementsAttr value) {
  return insertWeight(module, name, cast<RankedTensorType>(value.getType()), value, {}, {});
}

/// The integers as an attribute: by value where the source is, otherwise as a resource named after
/// the source's, so that the same bytes are unpacked once.
static ElementsAttr int8Elements(lm::WeightOp packed, RankedTensorType type,
                                 std::vector<int8_t> values) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(packed.getValue());
  if (!resource)
    return DenseElementsAttr::get(type, ArrayRef<int8_t>(values));
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size());
  std::string name = resource.getRawHandle().getKey().str() + ".unpacked";
  return DenseResourceElementsAttr::get(type, name,
                                        HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 1));
}

lm::WeightOp unpackedWeight(lm::WeightOp packed, int64_t rows, int64_t columns, int64_t rowBytes,
                            int64_t bits) {
  auto module = packed->getParentOfType<ModuleOp>();
  std::string mark = "unpacked." + std::to_string(packed.getOffset().value_or(0)) + "." +
                     std::to_string(rows) + "." + std::to_string(columns);
  for (auto weight : module.getOps<lm::WeightOp>())
    if (auto origin = weight->getAttrOfType<ArrayAttr>("lm.origin"))
      if (origin[0] == Attribute(packed.getValue()) && cast<StringAttr>(origin[1]) == mark)
        return weight;
  FailureOr<lm::WeightView> view = lm::viewOf(packed);
  if (failed(view) || view->isSplat ||
      std::accumulate(view->shape.begin(), view->shape.end(), int64_t(1), std::multiplies<>()) <
          rows * rowBytes)
    return {};
  std::vector<int8_t> values(rows * columns);
  const auto *bytes = view->as<uint8_t>();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      int64_t at = row * rowBytes + column * bits / 8;
      int64_t code = bits == 8 ? bytes[at] : (bytes[at] >> (column % 2 * 4)) & 15;
      values[row * columns + column] = int8_t(code - (int64_t(1) << (bits - 1)));
    }
  auto type = RankedTensorType::get({rows, columns}, IntegerType::get(module.getContext(), 8));
  lm::WeightOp weight =
      addWeight(module, packed.getSymName(), int8Elements(packed, type, std::move(values)));
  Builder builder(module.getContext());
  weight->setAttr("lm.origin",
                  builder.getArrayAttr({packed.getValue(), builder.getStringAttr(mark)}));
  return weight;
}

Value readWeight(OpBuilder &builder, Location loc, lm::WeightOp weight) {
  return lm::GetOp::create(builder, loc, weight.tensorType(),
                           FlatSymbolRefAttr::get(weight.getSymNameAttr()));
}

} // namespace llmc::passes
