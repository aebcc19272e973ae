// Pass llmc-raise-residual: sums of activations.
#include "passes/Raising/RaiseResidual.h"

#include "passes/Raising/RaisePass.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_RAISERESIDUALPASS
#include "passes/Raising/RaiseResidual.h.inc"

namespace {

LogicalResult raiseResidual(RaiseStep &step) {
  SmallVector<Probe> probes = probeAll(step.program);
  for (lm::OpaqueOp node : step.nodes()) {
    if (!asNode(node, "Add") || node.getInputs().size() != 2)
      continue;
    int64_t channels = channelsOf(probes, node.getInputs()[0]);
    if (channels == 0 || channels != channelsOf(probes, node.getInputs()[1]))
      continue;
    OpBuilder builder(node);
    Value lhs = dropBatch(builder, node.getLoc(), node.getInputs()[0], channels);
    Value rhs = dropBatch(builder, node.getLoc(), node.getInputs()[1], channels);
    Value rows = lm::AddOp::create(builder, node.getLoc(), lhs.getType(), lhs, rhs);
    replaceByRows(probes, builder, node.getResult(0), rows);
    step.report.addMatch("add", node.getNodeName());
  }
  return success();
}

struct RaiseResidualPass : impl::RaiseResidualPassBase<RaiseResidualPass>, Reporting {
  void runOnOperation() override {
    if (failed(runStep(getOperation(), *report, raiseResidual)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createRaiseResidualPass(std::shared_ptr<RaiseReport> report) {
  return withReport<RaiseResidualPass>(std::move(report));
}

} // namespace llmc::passes
