#include "targets/Llvm/Layout/KernelTarget.h"

#include "targets/Llvm/Layout/ChainPhases.h"
#include "targets/Llvm/Layout/KernelEstimate.h"

#include <fmt/format.h>

namespace llmc::target {

std::string refusalOf(const Machine &machine, const VectorChain &chain, uint64_t stackBytes) {
  if (chain.steps.size() > machine.vector.maxSteps)
    return fmt::format("chain of {} steps, {} runs at most {} in one kernel", chain.steps.size(),
                       machine.name, machine.vector.maxSteps);
  std::string reason;
  return cutChain(chain, plainOperands(chain), reason, stackBytes) ? "" : reason;
}

std::string dispatchRefusal(const Machine &machine, const std::string &what) {
  if (machine.dispatch == DispatchKind::Kernel)
    return {};
  return fmt::format("machine '{}': {} runs kernels one by one; its description must say "
                     "\"dispatch\": \"kernel\"",
                     machine.name, what);
}

uint64_t KernelTarget::cycles(const Machine &machine, const KernelWork &work) const {
  const auto *linear = std::get_if<Matmul>(&work);
  return cyclesOf(machine, work,
                  linear ? packedBytes(machine, linear->format, linear->n.value, linear->k.value)
                         : 0);
}

uint64_t KernelTarget::dmaCycles(const Machine &machine, Space offChip, uint64_t bytes,
                                 uint64_t runs, bool isLoad) const {
  return copyCycles(machine, offChip, bytes, runs, isLoad);
}

} // namespace llmc::target
