// How long kernels take on a machine whose cores read every memory themselves: the slower of its
// arithmetic and of what must come from memory. An argument counts at its maximum.
#pragma once

#include "targets/Interface/Machine.h"
#include "targets/Interface/Program.h"

#include <cstdint>

namespace llmc::x86 {

uint64_t cyclesOf(const target::Machine &machine, const target::Matmul &matmul);
/// 0 operations for a chain that X86Target refuses.
uint64_t cyclesOf(const target::Machine &machine, const target::VectorChain &chain);
/// One pass over bytes of a memory; a run shorter than a burst costs a burst.
uint64_t copyCycles(const target::Machine &machine, target::Space space, uint64_t bytes,
                    uint64_t runs, bool isLoad);

/// Operands of which every step takes the type: a chain is cut the same whatever they are.
std::vector<target::KernelOperand> plainOperands(const target::VectorChain &chain);

} // namespace llmc::x86
