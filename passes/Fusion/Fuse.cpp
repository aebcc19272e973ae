// Pass llmc-fuse: groups operations that run from one SRAM residency.
//
// A group saves writing and reading its intermediate values; what it may hold is what the machine
// executes without storing them:
//   1. rms_norm -> quantize_rows, where nobody else reads the norm;
//   2. rope -> round_f16, where nobody else reads the rotation;
//   3. linear gate, linear up -> gated_act, where nobody else reads the two.
#include "passes/Fusion/Fuse.h"

#include "dialects/Lm/Lm.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_FUSEPASS
#include "passes/Fusion/Fuse.h.inc"

namespace {

bool isLinear(Operation *op) { return isa_and_nonnull<lm::QuantizedLinearOp, lm::LinearOp>(op); }

/// The producers that fuse into `op`, in program order; empty where none does.
SmallVector<Operation *> producersOf(Operation *op) {
  auto soleUse = [](Value value) { return value.hasOneUse() ? value.getDefiningOp() : nullptr; };
  if (auto quantize = dyn_cast<lm::QuantizeRowsOp>(op))
    if (Operation *norm = soleUse(quantize.getInput()); isa_and_nonnull<lm::RmsNormOp>(norm))
      return {norm};
  if (auto round = dyn_cast<lm::RoundF16Op>(op))
    if (Operation *rope = soleUse(round.getInput()); isa_and_nonnull<lm::RopeOp>(rope))
      return {rope};
  if (auto gated = dyn_cast<lm::GatedActOp>(op)) {
    Operation *gate = soleUse(gated.getGate()), *up = soleUse(gated.getUp());
    if (isLinear(gate) && isLinear(up) && gate != up)
      return gate->isBeforeInBlock(up) ? SmallVector<Operation *>{gate, up}
                                       : SmallVector<Operation *>{up, gate};
  }
  return {};
}

void group(Operation *last, ArrayRef<Operation *> producers, int64_t index) {
  OpBuilder builder(last);
  auto group = lm::GroupOp::create(builder, last->getLoc(), last->getResultTypes(), index);
  last->replaceAllUsesWith(group);
  Block *body = builder.createBlock(&group.getBody());
  for (Operation *producer : producers)
    producer->moveBefore(body, body->end());
  last->moveBefore(body, body->end());
  builder.setInsertionPointToEnd(body);
  lm::YieldOp::create(builder, last->getLoc(), last->getResults());
}

struct FusePass : impl::FusePassBase<FusePass> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    int64_t index = 0;
    for (Operation &op : llvm::make_early_inc_range(getOperation().getBody().front())) {
      SmallVector<Operation *> producers = producersOf(&op);
      if (producers.empty())
        continue;
      group(&op, producers, index++);
      ++numGroups;
    }
  }
};

} // namespace
} // namespace llmc::passes
