// What paging cost and what it hid, from the trace of a session.
#ifndef LLMC_RUNTIME_EXEC_PAGE_STATISTICS_H
#define LLMC_RUNTIME_EXEC_PAGE_STATISTICS_H

#include "runtime/plan/plan.h"

namespace llmc::rt {

/// Counts reads of paged weights, the kernels that ran while one was under way, and how long the
/// session stood still for them. Times need the platform's clock.
class PageStatistics {
public:
  /// The plan outlives this object.
  explicit PageStatistics(const Plan &plan) : plan(plan) {
    hook.struct_size = sizeof(hook);
    hook.abi = LLMC_TRACE_ABI;
    hook.ctx = this;
    hook.event = event;
  }
  PageStatistics(const PageStatistics &) = delete;
  PageStatistics &operator=(const PageStatistics &) = delete;

  /// For Bindings::trace. Valid as long as this object.
  const llmc_trace &table() const { return hook; }

  uint64_t reads = 0;        ///< Pages, their halves where they have two, and gathered rows.
  uint64_t bytes = 0;        ///< Of all reads.
  uint64_t kernels = 0;      ///< Dispatches.
  uint64_t overlapped = 0;   ///< Of those, the ones that began while a read was under way.
  uint64_t stalls = 0;       ///< Steps that found a read unfinished.
  uint64_t stalledTicks = 0; ///< From finding so until it was finished.

private:
  static void event(void *context, uint32_t at, uint8_t, uint8_t phase, uint32_t, uint64_t ticks) {
    auto &self = *static_cast<PageStatistics *>(context);
    const Step &step = self.plan.steps()[at];
    const bool forSource = (step.op == StepOp::Wait && step.queue == sourceQueue) ||
                           step.op == StepOp::Prefetch || step.op == StepOp::Gather;
    if (phase == LLMC_TRACE_STALL) {
      self.stalledAt = ticks;
      self.stalls += forSource;
      return;
    }
    if (phase == LLMC_TRACE_END && forSource)
      self.stalledTicks += ticks - self.stalledAt;
    self.count(step);
  }

  void count(const Step &step) {
    switch (step.op) {
    case StepOp::Prefetch:
      add(1, extentOf(operand(step, 0)));
      break;
    case StepOp::Gather:
      if (plan.regions()[operand(step, 0).region].kind == RegionKind::FlashPaged)
        add(uint32_t(operand(step, 1).extent / sizeof(uint32_t)), plan.rows()[step.a].bytes);
      break;
    case StepOp::Dispatch:
      ++kernels;
      overlapped += underWay != 0;
      break;
    case StepOp::Wait:
      if (step.queue == sourceQueue && underWay > step.a)
        underWay = step.a;
      break;
    case StepOp::Barrier:
    case StepOp::End:
      underWay = 0;
      break;
    default:
      break;
    }
  }

  const Operand &operand(const Step &step, unsigned i) const {
    return plan.operands()[plan.args()[step.b + i]];
  }

  uint32_t extentOf(const Operand &record) const {
    return record.extent + (record.move == none8 ? 0 : uint32_t(plan.moves()[record.move].extent));
  }

  void add(uint32_t count, uint32_t bytesEach) {
    reads += count;
    bytes += uint64_t(count) * bytesEach;
    underWay += count;
  }

  const Plan &plan;
  llmc_trace hook = {};
  uint64_t stalledAt = 0;
  uint32_t underWay = 0; // reads that no step has waited for
};

} // namespace llmc::rt

#endif
