// Types and constants of ONNX as those of MLIR.
#include "compiler/Import/Onnx/ImportTypes.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace llmc::onnx {

Type elementType(ElementType type, MLIRContext *context) {
  Builder builder(context);
  switch (type) {
  case ElementType::Float:
    return builder.getF32Type();
  case ElementType::Double:
    return builder.getF64Type();
  case ElementType::Float16:
    return builder.getF16Type();
  case ElementType::Bfloat16:
    return builder.getBF16Type();
  case ElementType::Float8E4M3Fn:
    return builder.getType<Float8E4M3FNType>();
  case ElementType::Float8E5M2:
    return builder.getType<Float8E5M2Type>();
  case ElementType::Bool:
    return builder.getI1Type();
  case ElementType::Int4:
  case ElementType::Int8:
  case ElementType::Int16:
  case ElementType::Int32:
  case ElementType::Int64:
    return builder.getIntegerType(elementBits(type));
  case ElementType::Uint4:
  case ElementType::Uint8:
  case ElementType::Uint16:
  case ElementType::Uint32:
  case ElementType::Uint64:
    return builder.getIntegerType(elementBits(type), /*isSigned=*/false);
  default:
    return Type();
  }
}

Type valueType(const ValueInfo &value, MLIRContext *context) {
  Type element = elementType(value.type, context);
  if (!element)
    return Type();
  if (!value.shape)
    return UnrankedTensorType::get(element);
  SmallVector<int64_t> shape;
  for (const Dim &dim : *value.shape)
    shape.push_back(dim.size.value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, element);
}

ArrayAttr dimNames(const ValueInfo &value, Builder &builder) {
  if (!value.shape)
    return ArrayAttr();
  SmallVector<mlir::Attribute> names;
  for (const Dim &dim : *value.shape)
    names.push_back(builder.getStringAttr(dim.size ? Twine(*dim.size) : Twine(dim.name)));
  return builder.getArrayAttr(names);
}

ElementsAttr resourceOf(const Tensor &tensor, StringRef name, std::shared_ptr<const OnnxFile> file,
                        MLIRContext *context) {
  Type element = elementType(tensor.type, context);
  if (!element)
    return ElementsAttr();
  auto type = RankedTensorType::get(tensor.dims, element);
  size_t align = std::max(1u, elementBits(tensor.type) / 8);
  ArrayRef<char> bytes(tensor.data.data(), tensor.data.size());
  // Inline constants start wherever the message puts them, but readers load whole elements.
  if (reinterpret_cast<uintptr_t>(bytes.data()) % align != 0)
    return DenseResourceElementsAttr::get(
        type, name, HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, align));
  auto keepMapped = [file = std::move(file)](void *, size_t, size_t) {};
  return DenseResourceElementsAttr::get(
      type, name, UnmanagedAsmResourceBlob::allocateWithAlign(bytes, align, std::move(keepMapped)));
}

ElementsAttr constantOf(const Tensor &tensor, StringRef name, std::shared_ptr<const OnnxFile> file,
                        MLIRContext *context) {
  Type element = elementType(tensor.type, context);
  if (!element)
    return ElementsAttr();
  if (tensor.data.size() > inlineBytes || elementBits(tensor.type) < 8)
    return resourceOf(tensor, name, std::move(file), context);
  auto type = RankedTensorType::get(tensor.dims, element);
  if (tensor.type == ElementType::Bool) {
    SmallVector<bool> values;
    for (char value : tensor.data)
      values.push_back(value != 0);
    return DenseElementsAttr::get(type, values);
  }
  if (tensor.elements == 0)
    return cast<ElementsAttr>(DenseElementsAttr::get(type, ArrayRef<mlir::Attribute>()));
  return cast<ElementsAttr>(DenseElementsAttr::getFromRawBuffer(
      type, ArrayRef<char>(tensor.data.data(), tensor.data.size())));
}

static const Attribute *find(const Node &node, StringRef name) {
  for (const Attribute &attribute : node.attributes)
    if (StringRef(attribute.name) == name)
      return &attribute;
  return nullptr;
}

/// The element type of a Constant or ConstantOfShape.
static Type constantType(const Node &node, MLIRContext *context) {
  Builder builder(context);
  if (const Attribute *value = find(node, "value"); value && !value->tensors.empty())
    return elementType(value->tensors.front().type, context);
  if (find(node, "value_int") || find(node, "value_ints"))
    return builder.getI64Type();
  return builder.getF32Type();
}

Type resultElementType(const Node &node, ArrayRef<Type> inputs, unsigned resultIndex,
                       MLIRContext *context) {
  static const llvm::StringSet<> indices = {"Shape", "Size", "NonZero", "ArgMax", "ArgMin"};
  static const llvm::StringSet<> predicates = {
      "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or",
      "Xor",   "Not",     "IsNaN",          "IsInf"};
  Builder builder(context);
  StringRef op = node.opType;
  auto input = [&](size_t index) {
    return index < inputs.size() && inputs[index] ? inputs[index] : builder.getF32Type();
  };
  if (!node.domain.empty()) // Fused operators compute floats; integers go in.
    return builder.getF32Type();
  if (indices.contains(op) || (op == "TopK" && resultIndex == 1))
    return builder.getI64Type();
  if (predicates.contains(op))
    return builder.getI1Type();
  if (op == "Constant" || op == "ConstantOfShape")
    return constantType(node, context);
  if (op == "Cast") {
    const Attribute *to = find(node, "to");
    return to ? elementType(ElementType(to->i), context) : Type();
  }
  if (op == "DequantizeLinear")
    return input(1);
  return op == "Where" ? input(1) : input(0);
}

} // namespace llmc::onnx
