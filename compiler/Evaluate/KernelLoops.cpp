// The choice of inner loops for the machine this runs on.
#include "compiler/Evaluate/KernelLoops.h"

#include <vector>

namespace llmc::evaluate {

extern const KernelLoops kernelLoopsPortable;
#if defined(LLMC_X86_LOOPS)
extern const KernelLoops kernelLoopsX86V3;
extern const KernelLoops kernelLoopsX86V4;
#endif

static const std::vector<const KernelLoops *> &runnableLoops() {
  static const std::vector<const KernelLoops *> loops = [] {
    std::vector<const KernelLoops *> found = {&kernelLoopsPortable};
#if defined(LLMC_X86_LOOPS)
    __builtin_cpu_init();
    // What -march=x86-64-v3 and -v4 may use, as far as compilers emit it for these loops.
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (v3)
      found.push_back(&kernelLoopsX86V3);
    if (v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
      found.push_back(&kernelLoopsX86V4);
#endif
    return found;
  }();
  return loops;
}

size_t kernelLoopsCount() { return runnableLoops().size(); }
const KernelLoops &kernelLoopsAt(size_t index) { return *runnableLoops()[index]; }
const KernelLoops &kernelLoops() {
  static const KernelLoops &best = *runnableLoops().back();
  return best;
}

} // namespace llmc::evaluate
