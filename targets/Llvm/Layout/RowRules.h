// Which kernels can be code on instruction sets that read weights row by row: those of
// DotKind::None, Vmladava and Described.
#pragma once

#include "targets/Interface/IsaTable.h"
#include "targets/Interface/Machine.h"
#include "targets/Llvm/Layout/RowWeightLayout.h"

#include <string>

namespace llmc::target {

/// Why a kernel cannot be code there; empty where it can.
std::string rowRefusal(const Machine &machine, const IsaTable &isa, const KernelWork &work);

/// The same for a linear layer, of any machine.
std::string rowRefusal(const IsaTable &isa, const Matmul &matmul);

/// Both halves of a unit are of one group, and its sums in the same lanes of a described product.
inline bool joinsHalves(const RowWeightLayout &layout) {
  return layout.format.element == ElementType::I4 && layout.groupSize % RowWeightLayout::unit == 0;
}
/// Stack for the sums of one row of weights and one of activations, which described products leave
/// there until they meet the scales of their groups.
uint64_t storedSumBytes(const RowWeightLayout &layout, uint32_t lanes);
/// Stack of a kernel of described products for all else.
constexpr uint64_t kDescribedFrame = 8 * 1024;

} // namespace llmc::target
