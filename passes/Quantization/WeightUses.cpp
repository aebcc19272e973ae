#include "passes/Quantization/WeightUses.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace llmc::passes {

namespace {

/// The operation that consumes a value, past rotation and rounding.
WeightRole roleByUsers(Value value) {
  for (Operation *user : value.getUsers()) {
    if (isa<func::ReturnOp>(user))
      return WeightRole::Head;
    if (isa<lm::AttentionOp>(user))
      return WeightRole::Attention;
    if (isa<lm::GatedActOp>(user))
      return WeightRole::Mlp;
    if (isa<lm::RopeOp, lm::RoundF16Op>(user))
      if (WeightRole role = roleByUsers(user->getResult(0)); role != WeightRole::None)
        return role;
  }
  return WeightRole::None;
}

WeightRole roleByInput(Value input) {
  if (auto quantize = input.getDefiningOp<lm::QuantizeRowsOp>())
    input = quantize.getInput();
  if (input.getDefiningOp<lm::AttentionOp>())
    return WeightRole::Attention;
  if (input.getDefiningOp<lm::GatedActOp>())
    return WeightRole::Mlp;
  return WeightRole::None;
}

WeightRole roleOfLinear(Operation *op, Value input) {
  WeightRole role = roleByUsers(op->getResult(0));
  return role == WeightRole::None ? roleByInput(input) : role;
}

WeightUse useOf(Operation *op) {
  return TypeSwitch<Operation *, WeightUse>(op)
      .Case([&](lm::EmbedOp embed) {
        return WeightUse{op, embed.getTable(), WeightRole::Embedding, false};
      })
      .Case([&](lm::QuantizedEmbedOp embed) {
        return WeightUse{op, embed.getTable(), WeightRole::Embedding, true};
      })
      .Case([&](lm::LinearOp linear) {
        return WeightUse{op, linear.getWeight(), roleOfLinear(op, linear.getInput()), false};
      })
      .Case([&](lm::QuantizedLinearOp linear) {
        return WeightUse{op, linear.getWeight(), roleOfLinear(op, linear.getInput()), true};
      })
      .Default([](Operation *) { return WeightUse(); });
}

} // namespace

SmallVector<WeightUse> findWeightUses(ModuleOp module) {
  SmallVector<WeightUse> uses;
  module.walk([&](Operation *op) {
    if (WeightUse use = useOf(op); use.op)
      uses.push_back(use);
  });
  return uses;
}

// The enumerations list the same cases in the same order.
static_assert(uint32_t(lm::ElementKind::E5M2) == uint32_t(WeightElement::E5M2) &&
              uint32_t(lm::ElementKind::I4) == uint32_t(WeightElement::I4));
static_assert(uint32_t(lm::ScaleKind::F16) == uint32_t(WeightScale::F16) &&
              uint32_t(lm::ScaleKind::Multiplier) == uint32_t(WeightScale::IntMultiplierTimesRow));

lm::FormatAttr toAttribute(MLIRContext *context, const WeightFormat &format) {
  return lm::FormatAttr::get(context, static_cast<lm::ElementKind>(format.element), format.block,
                             static_cast<lm::ScaleKind>(format.scale));
}

WeightFormat fromAttribute(lm::FormatAttr format) {
  return {static_cast<WeightElement>(format.getElement()), format.getGroup(),
          static_cast<WeightScale>(format.getScale())};
}

} // namespace llmc::passes
