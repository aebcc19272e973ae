// How long kernels take on a machine whose cores read every memory themselves: the slower of its
// arithmetic and of what must come from memory. An argument counts at its maximum.
#pragma once

#include "targets/Interface/Machine.h"
#include "targets/Interface/Program.h"

#include <cstdint>

namespace llmc::target {

/// `weightBytes`: packed weights of a linear layer, each byte read once whatever the rows.
uint64_t cyclesOf(const Machine &machine, const Matmul &matmul, uint64_t weightBytes);
/// 0 operations for a chain that cannot be cut.
uint64_t cyclesOf(const Machine &machine, const VectorChain &chain);
/// Packing, gathering and attention cost what the chains and products do that they stand for.
uint64_t cyclesOf(const Machine &machine, const KernelWork &work, uint64_t weightBytes);
/// One pass over bytes of a memory; a run shorter than a burst costs a burst.
uint64_t copyCycles(const Machine &machine, Space space, uint64_t bytes, uint64_t runs,
                    bool isLoad);

/// Operands of which every step takes the type: a chain is cut the same whatever they are.
std::vector<KernelOperand> plainOperands(const VectorChain &chain);

} // namespace llmc::target
