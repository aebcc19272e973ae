#include "passes/Raising/WeightNames.h"

#include "dialects/Lm/LmWeights.h"
#include "passes/Raising/WeightViews.h"

#include "llvm/ADT/MapVector.h"

#include <map>
#include <tuple>

using namespace mlir;

namespace llmc::passes {

namespace {

/// Collects names; the first one of a weight stays.
class WeightNamer {
public:
  void run(func::FuncOp program);
  const llvm::MapVector<Operation *, std::string> &result() const { return names; }

private:
  void name(Value value, const std::string &name) {
    if (lm::WeightOp weight = value ? lm::weightOf(value) : lm::WeightOp())
      names.try_emplace(weight, name);
  }
  /// A linear layer, and the norm in front of it where `norm` is not empty.
  void nameLinear(Operation *op, const std::string &name, const std::string &norm);
  void nameAttention(lm::AttentionOp attention, const std::string &layer);
  void nameGated(lm::GatedActOp gated, const std::string &layer);

  llvm::MapVector<Operation *, std::string> names;
};

/// The first linear layer that reads a value, plain or behind quantized rows.
Operation *linearReading(Value value) {
  for (Operation *user : value.getUsers()) {
    if (isa<lm::LinearOp>(user))
      return user;
    if (auto rows = dyn_cast<lm::QuantizeRowsOp>(user))
      for (Operation *quantized : rows.getValues().getUsers())
        if (isa<lm::QuantizedLinearOp>(quantized))
          return quantized;
  }
  return nullptr;
}

void WeightNamer::nameLinear(Operation *op, const std::string &label, const std::string &norm) {
  Value input;
  if (auto linear = dyn_cast_if_present<lm::LinearOp>(op)) {
    input = linear.getInput();
    if (!norm.empty())
      if (auto before = input.getDefiningOp<lm::RmsNormOp>())
        name(before.getWeight(), norm);
    name(linear.getWeight(), label);
    name(linear.getBias(), label + ".bias");
  } else if (auto linear = dyn_cast_if_present<lm::QuantizedLinearOp>(op)) {
    auto rows = linear.getInput().getDefiningOp<lm::QuantizeRowsOp>();
    if (rows && !norm.empty())
      if (auto before = rows.getInput().getDefiningOp<lm::RmsNormOp>())
        name(before.getWeight(), norm);
    name(linear.getWeight(), label);
    name(linear.getScales(), label + ".scales");
    name(linear.getMultipliers(), label + ".multipliers");
    name(linear.getBias(), label + ".bias");
  }
}

void WeightNamer::nameAttention(lm::AttentionOp attention, const std::string &layer) {
  const std::pair<Value, const char *> operands[] = {
      {attention.getQ(), "q"}, {attention.getK(), "k"}, {attention.getV(), "v"}};
  for (auto [value, role] : operands) {
    Operation *op = value.getDefiningOp();
    auto rope = dyn_cast_if_present<lm::RopeOp>(op);
    nameLinear(rope ? rope.getInput().getDefiningOp() : op, layer + role, layer + "attn_norm");
    if (rope) {
      name(rope.getCos(), "rope.cos");
      name(rope.getSin(), "rope.sin");
    }
  }
  nameLinear(linearReading(attention.getResult()), layer + "o", "");
}

void WeightNamer::nameGated(lm::GatedActOp gated, const std::string &layer) {
  nameLinear(gated.getGate().getDefiningOp(), layer + "gate", layer + "mlp_norm");
  nameLinear(gated.getUp().getDefiningOp(), layer + "up", layer + "mlp_norm");
  nameLinear(linearReading(gated.getResult()), layer + "down", "");
}

void WeightNamer::run(func::FuncOp program) {
  int64_t attentions = 0, gates = 0;
  for (Operation &op : program.getBody().front()) {
    if (auto embed = dyn_cast<lm::EmbedOp>(op)) {
      name(embed.getTable(), "embed");
    } else if (auto embed = dyn_cast<lm::QuantizedEmbedOp>(op)) {
      name(embed.getTable(), "embed");
      name(embed.getScales(), "embed.scales");
    } else if (auto attention = dyn_cast<lm::AttentionOp>(op)) {
      nameAttention(attention, "layers." + std::to_string(attentions++) + ".");
    } else if (auto gated = dyn_cast<lm::GatedActOp>(op)) {
      nameGated(gated, "layers." + std::to_string(gates++) + ".");
    } else if (isa<func::ReturnOp>(op) && op.getNumOperands() == 1) {
      nameLinear(op.getOperand(0).getDefiningOp(), "head", "final_norm");
    }
  }
  for (auto get : program.getBody().front().getOps<lm::GetOp>())
    name(get.getResult(), "weight." + std::to_string(names.size()));
}

/// Where a weight's elements are, as far as that identifies it.
using Place = std::tuple<const char *, std::vector<int64_t>, std::vector<int64_t>, const void *>;

std::optional<Place> placeOf(lm::WeightOp weight) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(weight.getValue());
  Type stored = cast<ShapedType>(weight.getValue().getType()).getElementType();
  unsigned bits = stored.getIntOrFloatBitWidth();
  if (!resource || !resource.getRawHandle().getBlob() || bits % 8 != 0)
    return std::nullopt;
  Strided view = stridedOf(weight);
  return Place{resource.getRawHandle().getBlob()->getData().data() + view.offset * (bits / 8),
               {view.shape.begin(), view.shape.end()},
               {view.strides.begin(), view.strides.end()},
               stored.getAsOpaquePointer()};
}

} // namespace

void nameWeights(ModuleOp module, func::FuncOp program) {
  WeightNamer namer;
  namer.run(program);
  for (auto weight : llvm::make_early_inc_range(module.getOps<lm::WeightOp>()))
    if (!namer.result().contains(weight))
      weight.erase();
  llvm::DenseMap<Attribute, FlatSymbolRefAttr> renamed;
  for (const auto &[op, name] : namer.result()) {
    auto weight = cast<lm::WeightOp>(op);
    auto symbol = StringAttr::get(module.getContext(), name);
    renamed[weight.getSymNameAttr()] = FlatSymbolRefAttr::get(symbol);
    weight.setSymNameAttr(symbol);
    weight->removeAttr("lm.origin");
    weight->moveBefore(program);
  }
  for (auto get : program.getBody().front().getOps<lm::GetOp>())
    get.setWeightAttr(renamed.at(get.getWeightAttr().getAttr()));
}

void mergeEqualWeights(ModuleOp module, func::FuncOp program) {
  std::map<Place, lm::WeightOp> first;
  llvm::DenseMap<Attribute, FlatSymbolRefAttr> merged;
  for (auto weight : module.getOps<lm::WeightOp>())
    if (std::optional<Place> place = placeOf(weight)) {
      auto [known, inserted] = first.try_emplace(std::move(*place), weight);
      if (!inserted)
        merged[weight.getSymNameAttr()] = FlatSymbolRefAttr::get(known->second.getSymNameAttr());
    }
  for (auto get : program.getBody().front().getOps<lm::GetOp>())
    if (auto replacement = merged.find(get.getWeightAttr().getAttr()); replacement != merged.end())
      get.setWeightAttr(replacement->second);
}

} // namespace llmc::passes
