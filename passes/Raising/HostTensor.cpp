#include "passes/Raising/HostTensor.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/Node.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cstring>
#include <limits>

using namespace mlir;

namespace llmc::passes {

using Element = HostTensor::Element;

HostTensor HostTensor::shapeOnly(Element element, ArrayRef<int64_t> shape) {
  HostTensor result;
  result.element = element;
  result.shape.assign(shape.begin(), shape.end());
  return result;
}

HostTensor HostTensor::ofInts(Element element, ArrayRef<int64_t> shape,
                              std::vector<int64_t> values) {
  HostTensor result = shapeOnly(element, shape);
  result.hasData = true;
  result.ints = std::move(values);
  return result;
}

HostTensor HostTensor::ofFloats(ArrayRef<int64_t> shape, std::vector<float> values) {
  HostTensor result = shapeOnly(Element::Float32, shape);
  result.hasData = true;
  result.floats = std::move(values);
  return result;
}

int64_t HostTensor::size() const {
  int64_t elements = 1;
  for (int64_t length : shape)
    if (length < 0 || __builtin_mul_overflow(elements, length, &elements))
      return std::numeric_limits<int64_t>::max();
  return elements;
}

Element elementOf(Type type) {
  if (type.isF32())
    return Element::Float32;
  if (type.isInteger(1))
    return Element::Bool;
  if (type.isInteger(32))
    return Element::Int32;
  return type.isInteger(64) ? Element::Int64 : Element::Other;
}

Element elementOfOnnx(int64_t dataType) {
  switch (dataType) {
  case 1:
    return Element::Float32;
  case 6:
    return Element::Int32;
  case 7:
    return Element::Int64;
  case 9:
    return Element::Bool;
  default:
    return Element::Other;
  }
}

/// Reads one stored element; bools are bytes.
static void appendElement(HostTensor &to, const char *bytes) {
  if (to.isFloat()) {
    float value;
    std::memcpy(&value, bytes, sizeof value);
    to.floats.push_back(value);
  } else if (to.element == Element::Int64) {
    int64_t value;
    std::memcpy(&value, bytes, sizeof value);
    to.ints.push_back(value);
  } else if (to.element == Element::Int32) {
    int32_t value;
    std::memcpy(&value, bytes, sizeof value);
    to.ints.push_back(value);
  } else {
    to.ints.push_back(*bytes != 0);
  }
}

/// Bytes of a stored element; bools take one.
static int64_t elementBytes(const HostTensor &tensor, RankedTensorType type) {
  return tensor.element == Element::Bool ? 1 : type.getElementTypeBitWidth() / 8;
}

static std::optional<HostTensor> constantOfElements(ElementsAttr value, int64_t limit) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return std::nullopt;
  HostTensor result = HostTensor::shapeOnly(elementOf(type.getElementType()), type.getShape());
  if (result.size() > limit || result.element == Element::Other)
    return result;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    int64_t bytes = elementBytes(result, type);
    if (!blob || int64_t(blob->getData().size()) < result.size() * bytes)
      return result;
    for (int64_t i = 0, count = result.size(); i < count; ++i)
      appendElement(result, blob->getData().data() + i * bytes);
    result.hasData = true;
  } else if (auto dense = dyn_cast<DenseElementsAttr>(value)) {
    result.hasData = true;
    if (result.isFloat())
      llvm::append_range(result.floats, dense.getValues<float>());
    else
      for (const APInt &element : dense.getValues<APInt>())
        result.ints.push_back(result.element == Element::Bool ? int64_t(!element.isZero())
                                                              : element.getSExtValue());
  }
  return result;
}

static std::optional<HostTensor> constantOfWeight(lm::WeightOp weight, int64_t limit) {
  RankedTensorType type = weight.tensorType();
  if (!weight.getStrides() && isa<DenseElementsAttr>(weight.getValue()) && !lm::isWidened(weight))
    return constantOfElements(weight.getValue(), limit);
  HostTensor result = HostTensor::shapeOnly(elementOf(type.getElementType()), type.getShape());
  if (result.size() > limit || result.element == Element::Other)
    return result;
  // Elided bytes are no error here: whoever needs the elements finds that they are not known.
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(weight.getValue()))
    if (!resource.getRawHandle().getBlob())
      return result;
  FailureOr<lm::WeightView> view = lm::viewOf(weight);
  if (failed(view))
    return std::nullopt;
  int64_t bytes = elementBytes(result, type);
  forEachIndex(result.shape, [&](ArrayRef<int64_t> index, int64_t) {
    int64_t at = view->offset;
    for (auto [position, stride] : llvm::zip(index, view->strides))
      at += position * stride;
    if (result.isFloat())
      result.floats.push_back(lm::floatAt(*view, at));
    else
      appendElement(result, view->data + at * bytes);
  });
  result.hasData = true;
  return result;
}

static std::optional<HostTensor> constantOfNode(lm::OpaqueOp node, int64_t limit) {
  DictionaryAttr attributes = node.getNodeAttributes();
  if (auto value = attributes.getAs<ElementsAttr>("value"))
    return constantOfElements(value, limit);
  if (auto value = attributes.getAs<IntegerAttr>("value_int"))
    return HostTensor::ofInts(Element::Int64, {}, {value.getValue().getSExtValue()});
  if (auto value = attributes.getAs<FloatAttr>("value_float"))
    return HostTensor::ofFloats({}, {float(value.getValueAsDouble())});
  if (auto values = intsAttribute(node, "value_ints"))
    return HostTensor::ofInts(Element::Int64, {int64_t(values->size())},
                              std::vector<int64_t>(values->begin(), values->end()));
  return std::nullopt;
}

std::optional<HostTensor> constantOf(Value value, int64_t limit) {
  if (lm::WeightOp weight = lm::weightOf(value))
    return constantOfWeight(weight, limit);
  if (lm::OpaqueOp node = definingNode(value, "Constant"))
    return constantOfNode(node, limit);
  if (auto constant = value.getDefiningOp<arith::ConstantOp>())
    if (auto elements = dyn_cast<ElementsAttr>(constant.getValue()))
      return constantOfElements(elements, limit);
  return std::nullopt;
}

void forEachIndex(ArrayRef<int64_t> shape,
                  llvm::function_ref<void(ArrayRef<int64_t>, int64_t)> fn) {
  for (int64_t size : shape)
    if (size == 0)
      return;
  SmallVector<int64_t, 4> index(shape.size(), 0);
  for (int64_t linear = 0;; ++linear) {
    fn(index, linear);
    int64_t axis = int64_t(shape.size()) - 1;
    for (; axis >= 0 && ++index[axis] == shape[axis]; --axis)
      index[axis] = 0;
    if (axis < 0)
      return;
  }
}

SmallVector<int64_t, 4> rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t, 4> strides(shape.size(), 1);
  for (int64_t axis = int64_t(shape.size()) - 2; axis >= 0; --axis)
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

std::optional<SmallVector<int64_t, 4>> broadcastShape(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  SmallVector<int64_t, 4> result(a.begin(), a.end());
  size_t shift = a.size() - b.size();
  for (auto [axis, size] : llvm::enumerate(b)) {
    int64_t &mine = result[axis + shift];
    if (mine != size && mine != 1 && size != 1)
      return std::nullopt;
    mine = mine == 1 ? size : mine;
  }
  return result;
}

int64_t broadcastIndex(ArrayRef<int64_t> shape, ArrayRef<int64_t> index) {
  int64_t linear = 0;
  size_t shift = index.size() - shape.size();
  for (auto [axis, size] : llvm::enumerate(shape))
    linear = linear * size + (size == 1 ? 0 : index[axis + shift]);
  return linear;
}

HostTensor remap(const HostTensor &from, ArrayRef<int64_t> shape, int64_t limit,
                 llvm::function_ref<int64_t(ArrayRef<int64_t>)> source) {
  HostTensor result = HostTensor::shapeOnly(from.element, shape);
  if (!from.hasData || result.size() > limit)
    return result;
  result.hasData = true;
  forEachIndex(shape, [&](ArrayRef<int64_t> index, int64_t) {
    int64_t at = source(index);
    if (from.isFloat())
      result.floats.push_back(from.floats[at]);
    else
      result.ints.push_back(from.ints[at]);
  });
  return result;
}

} // namespace llmc::passes
