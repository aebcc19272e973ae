// Pass llmc-raise-gated-act: gated activations.
//
// Found at Sigmoid of an activation. No match where
//   1. the sigmoid is not multiplied by its own argument alone;
//   2. that product is not multiplied by an activation of the same channels alone.
#include "passes/Raising/RaiseGatedAct.h"

#include "passes/Raising/RaisePass.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_RAISEGATEDACTPASS
#include "passes/Raising/RaiseGatedAct.h.inc"

namespace {

/// The factor beside `value` in its only use, a Mul.
std::pair<lm::OpaqueOp, Value> soleFactor(Value value) {
  lm::OpaqueOp mul = asNode(soleUser(value), "Mul");
  if (!mul || mul.getInputs().size() != 2)
    return {};
  return {mul, mul.getInputs()[0] == value ? mul.getInputs()[1] : mul.getInputs()[0]};
}

bool raiseSilu(SmallVector<Probe> &probes, lm::OpaqueOp sigmoid, Attempt &attempt) {
  Value gate = sigmoid.getInputs()[0];
  int64_t channels = channelsOf(probes, gate);
  auto [silu, factor] = soleFactor(sigmoid.getResult(0));
  if (!attempt.require(silu && factor == gate,
                       "the sigmoid is not multiplied by its argument alone"))
    return false;
  auto [product, up] = soleFactor(silu.getResult(0));
  if (!attempt.require(product && channelsOf(probes, up) == channels,
                       "x * sigmoid(x) is not multiplied by an activation of " + Twine(channels) +
                           " channels alone"))
    return false;
  OpBuilder builder(product);
  Location loc = product.getLoc();
  Value gateRows = dropBatch(builder, loc, gate, channels);
  Value upRows = dropBatch(builder, loc, up, channels);
  Value rows = lm::GatedActOp::create(builder, loc, gateRows.getType(), gateRows, upRows,
                                      lm::ActivationKind::Silu);
  replaceByRows(probes, builder, product.getResult(0), rows);
  return true;
}

LogicalResult raiseGatedAct(RaiseStep &step) {
  SmallVector<Probe> probes = probeAll(step.program);
  for (lm::OpaqueOp node : step.nodes()) {
    if (!asNode(node, "Sigmoid") || !isActivation(probes, node.getInputs()[0]))
      continue;
    Attempt attempt;
    bool matched = raiseSilu(probes, node, attempt);
    conclude(step.report, "gated_act silu", node, matched, attempt);
  }
  return success();
}

struct RaiseGatedActPass : impl::RaiseGatedActPassBase<RaiseGatedActPass>, Reporting {
  void runOnOperation() override {
    if (failed(runStep(getOperation(), *report, raiseGatedAct)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createRaiseGatedActPass(std::shared_ptr<RaiseReport> report) {
  return withReport<RaiseGatedActPass>(std::move(report));
}

} // namespace llmc::passes
