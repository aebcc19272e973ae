#include "passes/Raising/Node.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace llmc::passes {

static bool isStandard(StringRef domain) { return domain.empty() || domain == "ai.onnx"; }

/// Inputs that an operator cannot do without, of those that raising looks at by index.
static size_t neededInputs(StringRef type) {
  return llvm::StringSwitch<size_t>(type)
      .Case("Constant", 0)
      .Cases({"Add", "Mul", "Div", "Pow", "MatMul", "Gather", "Reshape", "Expand"}, 2)
      .Cases({"CastLike", "SimplifiedLayerNormalization", "RMSNormalization"}, 2)
      .Cases({"Where", "SkipSimplifiedLayerNormalization", "GatherBlockQuantized"}, 3)
      .Case("MatMulNBits", 3)
      .Case("GroupQueryAttention", 7)
      .Default(1);
}

lm::OpaqueOp asNode(Operation *op, StringRef type, StringRef domain) {
  auto node = dyn_cast_if_present<lm::OpaqueOp>(op);
  if (!node || node.getOpType() != type || node.getInputs().size() < neededInputs(type) ||
      node.getNumResults() == 0)
    return {};
  bool same = node.getDomain() == domain || (isStandard(domain) && isStandard(node.getDomain()));
  return same ? node : lm::OpaqueOp();
}

lm::OpaqueOp definingNode(Value value, StringRef type, StringRef domain) {
  return value ? asNode(value.getDefiningOp(), type, domain) : lm::OpaqueOp();
}

Value inputOf(lm::OpaqueOp node, unsigned index) {
  if (index >= node.getInputs().size() || node.getInputs()[index].getDefiningOp<lm::NoneOp>())
    return {};
  return node.getInputs()[index];
}

int64_t intAttribute(lm::OpaqueOp node, StringRef name, int64_t otherwise) {
  auto value = node.getNodeAttributes().getAs<IntegerAttr>(name);
  return value ? value.getValue().getSExtValue() : otherwise;
}

double floatAttribute(lm::OpaqueOp node, StringRef name, double otherwise) {
  auto value = node.getNodeAttributes().getAs<FloatAttr>(name);
  return value ? value.getValueAsDouble() : otherwise;
}

std::optional<SmallVector<int64_t>> intsAttribute(lm::OpaqueOp node, StringRef name) {
  Attribute value = node.getNodeAttributes().get(name);
  if (auto array = dyn_cast_if_present<DenseI64ArrayAttr>(value))
    return SmallVector<int64_t>(array.asArrayRef());
  if (auto array = dyn_cast_if_present<ArrayAttr>(value)) {
    SmallVector<int64_t> result;
    for (Attribute element : array) {
      auto integer = dyn_cast<IntegerAttr>(element);
      if (!integer)
        return std::nullopt;
      result.push_back(integer.getValue().getSExtValue());
    }
    return result;
  }
  return std::nullopt;
}

std::optional<std::pair<Value, Value>> matchCommutative(Value value, StringRef type,
                                                        llvm::function_ref<bool(Value)> first) {
  lm::OpaqueOp node = definingNode(value, type);
  if (!node || node.getInputs().size() != 2)
    return std::nullopt;
  Value a = node.getInputs()[0], b = node.getInputs()[1];
  if (first(a))
    return std::pair(a, b);
  if (first(b))
    return std::pair(b, a);
  return std::nullopt;
}

std::string describe(lm::OpaqueOp node) {
  std::string type =
      (node.getDomain().empty() ? "" : node.getDomain() + "::").str() + node.getOpType().str();
  return node.getNodeName().empty() ? type : type + " '" + node.getNodeName().str() + "'";
}

std::string describe(Value value) {
  if (auto node = value.getDefiningOp<lm::OpaqueOp>())
    return describe(node);
  if (Operation *op = value.getDefiningOp())
    return op->getName().getStringRef().str();
  return "input " + std::to_string(cast<BlockArgument>(value).getArgNumber());
}

void eraseDeadNodes(Operation *function) {
  SmallVector<Operation *> order;
  function->walk([&](Operation *op) {
    if (isa<lm::OpaqueOp, lm::GetOp, lm::NoneOp, UnrealizedConversionCastOp>(op))
      order.push_back(op);
  });
  for (Operation *op : llvm::reverse(order))
    if (op->use_empty())
      op->erase();
}

} // namespace llmc::passes
