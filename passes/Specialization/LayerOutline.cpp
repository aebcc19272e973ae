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
  SmallVector<Cut> cuts = findCuts(ops);

  auto lastCutBefore = [&](size_t index) -> const Cut * {
    const Cut *best = nullptr;
    for (const Cut &cut : cuts)
      if (cut.index < index)
        best = &cut;
    return best;
  };
  SmallVector<Cut> starts;
  for (size_t attention : attentions) {
    const Cut *start = lastCutBefore(attention);
    if (!start || (!starts.empty() && starts.back().index >= start->index))
      return ops[attention]->emitOpError()
             << "is not preceded by a place where the hidden state alone is live";
    starts.push_back(*start);
  }
  const Cut *end = nullptr;
  for (const Cut &cut : cuts)
    if (cut.index > attentions.back() && cut.value.getDefiningOp<lm::AddOp>() == ops[cut.index])
      end = &cut;
  if (!end)
    return ops[attentions.back()]->emitOpError()
           << "is followed by no residual addition that ends its layer";
  starts.push_back(*end);

  LayeredProgram program;
  program.prologue.assign(ops.begin(), ops.begin() + starts.front().index + 1);
  for (size_t i = 0; i < attentions.size(); ++i) {
    Layer layer;
    layer.ops.assign(ops.begin() + starts[i].index + 1, ops.begin() + starts[i + 1].index + 1);
    layer.input = starts[i].value;
    layer.output = starts[i + 1].value;
    FailureOr<int64_t> index = layerIndexOf(cast<lm::AttentionOp>(ops[attentions[i]]));
    if (failed(index))
      return failure();
    layer.index = *index;
    collectWeights(layer);
    layer.signature = signatureOf(layer);
    program.layers.push_back(std::move(layer));
  }
  program.head.assign(ops.begin() + end->index + 1, ops.end());
  return program;
}

} // namespace llmc::passes
