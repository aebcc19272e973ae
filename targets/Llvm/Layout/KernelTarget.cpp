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

bool checkDispatch(const std::vector<Machine> &machines, const std::string &what,
                   std::string &error) {
  for (const Machine &machine : machines)
    if (machine.dispatch != DispatchKind::Kernel) {
      error = fmt::format("machine '{}': {} runs kernels one by one; its description must say "
                          "\"dispatch\": \"kernel\"",
                          machine.name, what);
      return false;
    }
  return true;
}

uint64_t KernelTarget::cycles(const Machine &machine, const Matmul &matmul) const {
  return cyclesOf(machine, matmul, packedBytes(matmul.format, matmul.n.value, matmul.k.value));
}

uint64_t KernelTarget::cycles(const Machine &machine, const VectorChain &chain) const {
  return cyclesOf(machine, chain);
}

uint64_t KernelTarget::dmaCycles(const Machine &machine, Space offChip, uint64_t bytes,
                                 uint64_t runs, bool isLoad) const {
  return copyCycles(machine, offChip, bytes, runs, isLoad);
}

std::optional<std::vector<uint8_t>>
KernelTarget::emit(const Machine &machine, const Program &program, std::string &error) const {
  error = fmt::format("program '{}': machine '{}' has no command streams, its kernels are "
                      "dispatched one by one",
                      program.entry, machine.name);
  return std::nullopt;
}

} // namespace llmc::target
