#include "tools/llmc/KernelTimes.h"

#include "tools/llmc/DebugInfo.h"

#include <algorithm>

namespace llmc {

KernelTimes::KernelTimes() {
  trace.struct_size = sizeof(trace);
  trace.abi = LLMC_TRACE_ABI;
  trace.ctx = this;
  // The event of a step comes behind it; a stalled step has one more, which splits its time.
  trace.event = [](void *context, uint32_t step, uint8_t, uint8_t, uint32_t, uint64_t) {
    static_cast<KernelTimes *>(context)->record(step);
  };
}

void KernelTimes::attach(const rt::host::PlanFile &file) {
  const DebugInfo debug(file);
  plan = &file.plan();
  kernels.clear();
  for (uint32_t k = 0; k < plan->kernels().size; ++k)
    kernels.push_back({debug.kernelName(k)});
  kernels.push_back({"other steps"});
  start();
}

void KernelTimes::start() {
  for (Entry &entry : kernels)
    entry.calls = 0, entry.seconds = 0;
  resume();
}

void KernelTimes::record(uint32_t index) {
  const Clock::time_point now = Clock::now();
  const rt::Step &step = plan->steps()[index];
  Entry &entry = step.op == rt::StepOp::Dispatch ? kernels[step.a] : kernels.back();
  entry.seconds += std::chrono::duration<double>(now - last).count();
  ++entry.calls;
  last = now;
}

std::vector<KernelTimes::Entry> KernelTimes::entries() const {
  std::vector<Entry> ran;
  std::copy_if(kernels.begin(), kernels.end(), std::back_inserter(ran),
               [](const Entry &entry) { return entry.calls != 0; });
  std::sort(ran.begin(), ran.end(),
            [](const Entry &a, const Entry &b) { return a.seconds > b.seconds; });
  return ran;
}

} // namespace llmc
