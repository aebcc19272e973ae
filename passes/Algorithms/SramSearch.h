#pragma once

#include "passes/Algorithms/SramPlacement.h"

#include <cstdint>
#include <vector>

namespace llmc::passes {

/// Improves an order for first-fit placement by moving a buffer that ends at the peak before one it
/// conflicts with. Stops at `target` bytes or after `placements` single placements.
std::vector<uint64_t> climbFromOrder(const SramPlacer &placer, std::vector<BufferIdx> order,
                                     uint32_t seed, uint64_t placements, uint64_t target);

struct BranchAndBoundResult {
  std::vector<uint64_t> offsets; ///< empty: nothing below the given peak was found
  bool exhausted = false; ///< the whole tree was searched: nothing better than the result exists
};

/// Searches for a plan with a peak below `peak`, stopping at `target` bytes or after `placements`
/// single placements.
BranchAndBoundResult branchAndBound(const SramProblem &problem, const SramPlacer &placer,
                                    uint64_t peak, uint64_t target, uint64_t placements);

} // namespace llmc::passes
