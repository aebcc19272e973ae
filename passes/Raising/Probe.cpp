#include "passes/Raising/Probe.h"

#include "passes/Raising/Node.h"
#include "passes/Raising/ProgramInputs.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <limits>
#include <numeric>

using namespace mlir;

namespace llmc::passes {

using Element = HostTensor::Element;

/// The rules are stateless; one table serves all probes.
static const NodeRules &nodeRules() {
  static const NodeRules rules = [] {
    NodeRules table;
    addElementwiseRules(table);
    addMovementRules(table);
    addTensorRules(table);
    return table;
  }();
  return rules;
}

static NodeRule ruleOf(lm::OpaqueOp node) {
  std::string name = node.getDomain().empty() || node.getDomain() == "ai.onnx"
                         ? node.getOpType().str()
                         : (node.getDomain() + "::" + node.getOpType()).str();
  return nodeRules().lookup(name);
}

bool isKnownOperator(lm::OpaqueOp node) { return ruleOf(node) || asNode(node, "Constant"); }

/// Operations that the wanted values depend on.
static llvm::SmallPtrSet<Operation *, 32> sliceOf(ArrayRef<Value> wanted) {
  llvm::SmallPtrSet<Operation *, 32> slice;
  SmallVector<Value> work(wanted.begin(), wanted.end());
  while (!work.empty())
    if (Operation *op = work.pop_back_val().getDefiningOp(); op && slice.insert(op).second)
      llvm::append_range(work, op->getOperands());
  return slice;
}

Probe::Probe(func::FuncOp function, ProbePoint point, ArrayRef<Value> wanted, int64_t limit)
    : where(point) {
  bindArguments(function);
  auto slice = sliceOf(wanted);
  for (Operation &op : function.getBody().front())
    if (wanted.empty() || slice.contains(&op))
      evaluate(&op, values, nullptr, limit);
}

void Probe::bindArguments(func::FuncOp function) {
  for (BlockArgument argument : function.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    Element element = type ? elementOf(type.getElementType()) : Element::Int32;
    switch (roleOf(argument)) {
    case Role::None:
      break;
    case Role::Tokens:
      values[argument] = HostTensor::shapeOnly(element, {where.tokens});
      break;
    case Role::Position:
      values[argument] = HostTensor::ofInts(element, {}, {where.past});
      break;
    case Role::Ids:
      values[argument] = HostTensor::shapeOnly(element, {1, where.tokens});
      break;
    case Role::Mask:
      values[argument] = HostTensor::ofInts(element, {1, where.past + where.tokens},
                                            std::vector<int64_t>(where.past + where.tokens, 1));
      break;
    case Role::Positions: {
      std::vector<int64_t> positions(where.tokens);
      std::iota(positions.begin(), positions.end(), where.past);
      values[argument] = HostTensor::ofInts(element, {1, where.tokens}, std::move(positions));
      break;
    }
    case Role::Past:
      if (type && type.getRank() == 4 && !type.isDynamicDim(1) && !type.isDynamicDim(3))
        values[argument] =
            HostTensor::shapeOnly(element, {1, type.getDimSize(1), where.past, type.getDimSize(3)});
      break;
    }
  }
}

/// Shapes of raised operations: as many rows as their first operand, and casts between
/// `[1, tokens, channels]` and `[tokens, channels]`.
static std::optional<HostTensor> evaluateRaised(OpResult result, const HostTensor &first) {
  auto type = dyn_cast<RankedTensorType>(result.getType());
  Element element = type ? elementOf(type.getElementType()) : first.element;
  if (isa<UnrealizedConversionCastOp>(result.getOwner())) {
    SmallVector<int64_t, 4> shape = first.shape;
    auto source = dyn_cast<RankedTensorType>(result.getOwner()->getOperand(0).getType());
    if (source && source.getRank() == 2)
      shape.insert(shape.begin(), 1);
    else if (shape.size() == 3 && shape[0] == 1)
      shape.erase(shape.begin());
    else
      return std::nullopt;
    return HostTensor::shapeOnly(first.element, shape);
  }
  if (!type || first.shape.empty() || type.getRank() < 1)
    return std::nullopt;
  SmallVector<int64_t, 4> shape(type.getShape());
  shape[0] = first.shape[0];
  for (int64_t size : shape)
    if (ShapedType::isDynamic(size))
      return std::nullopt;
  return HostTensor::shapeOnly(element, shape);
}

/// A shape that can be, and as many elements as it says.
static bool isConsistent(const HostTensor &tensor) {
  int64_t size = tensor.size();
  size_t stored = tensor.isFloat() ? tensor.floats.size() : tensor.ints.size();
  return size != std::numeric_limits<int64_t>::max() && (!tensor.hasData || size_t(size) == stored);
}

void Probe::evaluate(Operation *op, Values &into, const Values *base, int64_t limit) {
  auto known = [&](Value value) -> const HostTensor * {
    auto found = into.find(value);
    if (found != into.end())
      return &found->second;
    if (!base)
      return nullptr;
    auto behind = base->find(value);
    return behind == base->end() ? nullptr : &behind->second;
  };
  if (op->getNumResults() == 0)
    return;
  if (std::optional<HostTensor> constant = constantOf(op->getResult(0), limit)) {
    into[op->getResult(0)] = std::move(*constant);
    return;
  }
  if (auto node = dyn_cast<lm::OpaqueOp>(op)) {
    NodeRule rule = ruleOf(node);
    if (!rule)
      return;
    NodeInputs inputs{node, {}, limit};
    for (Value input : node.getInputs())
      inputs.inputs.push_back(known(input));
    NodeResults results = rule(inputs);
    if (results)
      for (auto [result, tensor] : llvm::zip(op->getResults(), *results))
        if (isConsistent(tensor))
          into[result] = std::move(tensor);
    return;
  }
  const HostTensor *first = op->getNumOperands() ? known(op->getOperand(0)) : nullptr;
  if (!first)
    return;
  // Entering a result moves the entries, `first` among them.
  HostTensor operand = HostTensor::shapeOnly(first->element, first->shape);
  for (OpResult result : op->getResults())
    if (std::optional<HostTensor> tensor = evaluateRaised(result, operand))
      into[result] = std::move(*tensor);
}

const HostTensor *Probe::find(Value value) const {
  auto found = values.find(value);
  return found == values.end() ? nullptr : &found->second;
}

const HostTensor *Probe::findData(Value value) const {
  const HostTensor *tensor = find(value);
  return tensor && tensor->hasData ? tensor : nullptr;
}

bool Probe::hasShape(Value value, ArrayRef<int64_t> shape) const {
  const HostTensor *tensor = find(value);
  return tensor && ArrayRef<int64_t>(tensor->shape) == shape;
}

void Probe::adopt(Value value, Value old) {
  if (const HostTensor *tensor = find(old)) {
    HostTensor copy = *tensor;
    values[value] = std::move(copy);
  }
}

std::optional<HostTensor> Probe::evaluateFrom(Value root, HostTensor seed, Value leaf) const {
  Values local;
  local[root] = std::move(seed);
  for (Operation *op : pathBetween(root, leaf))
    evaluate(op, local, &values, pathElements);
  auto found = local.find(leaf);
  return found == local.end() ? std::nullopt : std::optional(std::move(found->second));
}

SmallVector<Operation *> pathBetween(Value root, Value leaf) {
  // Operations in front of the root cannot lead from it to the leaf, so the walk back ends there.
  Operation *start = root.getDefiningOp();
  llvm::SetVector<Operation *> before;
  SmallVector<Value> work{leaf};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (value == root || !op || (start && op->isBeforeInBlock(start)))
      continue;
    if (before.insert(op))
      llvm::append_range(work, op->getOperands());
  }
  SmallVector<Operation *> order = before.takeVector();
  llvm::sort(order, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  llvm::DenseSet<Value> reached{root};
  SmallVector<Operation *> path;
  for (Operation *op : order)
    if (llvm::any_of(op->getOperands(), [&](Value operand) { return reached.contains(operand); })) {
      path.push_back(op);
      reached.insert(op->result_begin(), op->result_end());
    }
  return reached.contains(leaf) ? path : SmallVector<Operation *>();
}

SmallVector<Probe> probeAll(func::FuncOp function) {
  SmallVector<Probe> probes;
  for (ProbePoint point : probePoints)
    probes.emplace_back(function, point);
  return probes;
}

} // namespace llmc::passes
