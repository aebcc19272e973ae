// Finds the layers of a raised program and groups equal ones.
//
// A cut is a place in program order where one activation alone is live: the hidden state. A layer
// runs from the last cut before its attention to the last cut before the next one's; the last layer
// ends at the last residual addition.
#include "passes/Specialization/LayerOutline.h"

#include "mlir/IR/Matchers.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace llmc::passes {

namespace {

bool isConstant(Operation *op) {
  return isa<lm::GetOp>(op) || op->hasTrait<OpTrait::ConstantLike>();
}

/// `value` is live in the gap after operation number `index`.
struct Cut {
  size_t index;
  Value value;
};

SmallVector<Cut> findCuts(ArrayRef<Operation *> ops) {
  DenseMap<Operation *, size_t> position;
  for (auto [index, op] : llvm::enumerate(ops))
    position[op] = index;
  DenseMap<Value, size_t> lastUse;
  for (Operation *op : ops)
    for (Value result : op->getResults())
      for (Operation *user : result.getUsers()) {
        auto found = position.find(user);
        size_t use = found == position.end() ? ops.size() : found->second;
        lastUse[result] = std::max(lastUse.lookup(result), use);
      }
  SmallVector<Cut> cuts;
  SmallVector<Value> live;
  for (auto [index, op] : llvm::enumerate(ops)) {
    llvm::append_range(live, op->getResults());
    llvm::erase_if(live,
                   [&, index = index](Value value) { return lastUse.lookup(value) <= index; });
    if (live.size() == 1)
      cuts.push_back({index, live.front()});
  }
  return cuts;
}

/// Structure, types and formats of a layer in terms of its own operations; weights by order of
/// first use.
std::string signatureOf(const Layer &layer) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  DenseMap<Value, unsigned> numbers;
  numbers[layer.input] = 0;
  for (lm::GetOp weight : layer.weights)
    numbers.try_emplace(weight.getResult(), unsigned(numbers.size()));
  for (Operation *op : layer.ops) {
    stream << op->getName() << '(';
    for (Value operand : op->getOperands()) {
      auto found = numbers.find(operand);
      if (found != numbers.end())
        stream << found->second << ' ';
      else
        stream << "- "; // the position, or the layer's index
      stream << operand.getType() << ',';
    }
    stream << ')' << op->getAttrDictionary() << ':';
    for (Value result : op->getResults()) {
      stream << result.getType() << ';';
      numbers.try_emplace(result, unsigned(numbers.size()));
    }
  }
  return text;
}

void collectWeights(Layer &layer) {
  DenseSet<StringAttr> seen;
  for (Operation *op : layer.ops)
    for (Value operand : op->getOperands())
      if (auto get = operand.getDefiningOp<lm::GetOp>();
          get && seen.insert(get.getWeightAttr().getAttr()).second)
        layer.weights.push_back(get);
}

FailureOr<int64_t> layerIndexOf(lm::AttentionOp attention) {
  IntegerAttr index;
  if (!matchPattern(attention.getLayer(), m_Constant(&index)))
    return attention.emitOpError() << "layer index must be a constant";
  return index.getInt();
}

/// Where each layer starts, in program order, and after them where the last one ends.
FailureOr<SmallVector<Cut>> layerCuts(ArrayRef<Operation *> ops, ArrayRef<size_t> attentions) {
  SmallVector<Cut> cuts = findCuts(ops), chosen;
  for (size_t attention : attentions) {
    const Cut *start = nullptr;
    for (const Cut &cut : cuts)
      if (cut.index < attention)
        start = &cut;
    if (!start || (!chosen.empty() && chosen.back().index >= start->index))
      return ops[attention]->emitOpError()
             << "is not preceded by a place where the hidden state alone is live";
    chosen.push_back(*start);
  }
  const Cut *end = nullptr;
  for (const Cut &cut : cuts)
    if (cut.index > attentions.back() && cut.value.getDefiningOp<lm::AddOp>() == ops[cut.index])
      end = &cut;
  if (!end)
    return ops[attentions.back()]->emitOpError()
           << "is followed by no residual addition that ends its layer";
  chosen.push_back(*end);
  return chosen;
}

/// `ops` read no function argument but `allowed`, which may be null.
LogicalResult checkArguments(ArrayRef<Operation *> ops, Value allowed, StringRef where) {
  for (Operation *op : ops)
    for (Value operand : op->getOperands())
      if (isa<BlockArgument>(operand) && operand != allowed)
        return op->emitOpError() << "reads argument " << cast<BlockArgument>(operand).getArgNumber()
                                 << " of @main in " << where
                                 << ", which knows only the hidden state"
                                 << (allowed ? " and the position" : "");
  return success();
}

FailureOr<Layer> layerBetween(ArrayRef<Operation *> ops, const Cut &start, const Cut &end) {
  Layer layer;
  ArrayRef<Operation *> inside = ops.slice(start.index + 1, end.index - start.index);
  layer.ops.assign(inside.begin(), inside.end());
  layer.input = start.value;
  layer.output = end.value;
  for (Operation *op : layer.ops)
    if (auto attention = dyn_cast<lm::AttentionOp>(op)) {
      FailureOr<int64_t> index = layerIndexOf(attention);
      if (failed(index))
        return failure();
      layer.index = *index;
    }
  collectWeights(layer);
  layer.signature = signatureOf(layer);
  return layer;
}

} // namespace

FailureOr<LayeredProgram> findLayers(func::FuncOp main) {
  SmallVector<Operation *> ops;
  SmallVector<size_t> attentions;
  for (Operation &op : main.getBody().front().without_terminator()) {
    if (isConstant(&op))
      continue;
    if (isa<lm::AttentionOp>(op))
      attentions.push_back(ops.size());
    ops.push_back(&op);
  }
  if (attentions.empty())
    return main.emitError() << "found no lm.attention, so no layer to outline";
  FailureOr<SmallVector<Cut>> cuts = layerCuts(ops, attentions);
  if (failed(cuts))
    return failure();
  LayeredProgram program;
  program.prologue.assign(ops.begin(), ops.begin() + cuts->front().index + 1);
  for (size_t i = 0; i < attentions.size(); ++i) {
    FailureOr<Layer> layer = layerBetween(ops, (*cuts)[i], (*cuts)[i + 1]);
    if (failed(layer) || failed(checkArguments(layer->ops, main.getArgument(1), "a layer")))
      return failure();
    program.layers.push_back(std::move(*layer));
  }
  program.head.assign(ops.begin() + cuts->back().index + 1, ops.end());
  if (failed(checkArguments(program.head, {}, "the head")))
    return failure();
  return program;
}

} // namespace llmc::passes
