#pragma once

#include "passes/Algorithms/SramProblem.h"

#include <cstdint>
#include <string>
#include <vector>

namespace llmc::passes {

/// A switch per strategy. The result depends on the problem and these parameters alone, never on
/// time or addresses.
struct PlannerParams {
  bool greedyBySize = true;   ///< first fit, the largest buffer first
  bool greedyByArea = true;   ///< first fit, the largest size x duration first
  bool greedyByStart = true;  ///< first fit in order of the first step
  bool hillClimb = true;      ///< reorders the best greedy order around the buffers at the peak
  bool branchAndBound = true; ///< exact search; proves optimality when its budget suffices

  uint32_t hillClimbSeed = 1;
  uint64_t hillClimbPlacements = 200'000; ///< budget, in single placements
  uint64_t searchPlacements = 500'000;    ///< budget of branch and bound, in single placements
};

enum class PlannerStrategy { GreedyBySize, GreedyByArea, GreedyByStart, HillClimb, BranchAndBound };

const char *nameOf(PlannerStrategy strategy);

/// The best plan found; when it does not fit, `fits` is false and `blame` says where to look.
struct SramPlan {
  std::string error; ///< not empty when the problem or the parameters make no sense; nothing else
                     ///< is set then

  std::vector<uint64_t> offsets; ///< one per buffer
  uint64_t peak = 0;             ///< bytes from offset 0 to the end of the highest buffer
  uint64_t lowerBound =
      0; ///< no plan has a smaller peak: max-live bytes or the end of a fixed buffer
  PlannerStrategy foundBy = PlannerStrategy::GreedyBySize;
  bool optimal = false; ///< proved that no plan has a smaller peak
  bool fits = false;    ///< peak <= capacity
  LivePeak blame;       ///< the fullest step with its live buffers, the largest first

  /// Distance from the lower bound, 0 for a tight plan.
  double gap() const { return lowerBound ? double(peak - lowerBound) / double(lowerBound) : 0.0; }
};

/// Runs the enabled strategies, cheapest first, until one meets the lower bound.
SramPlan planSram(const SramProblem &problem, const PlannerParams &params = {});

/// What does not fit, at which step, which buffers are there, and what to do: some lines of text
/// for an error message. Lists at most `maxBuffers` buffers.
std::string explainOverflow(const SramProblem &problem, const SramPlan &plan,
                            size_t maxBuffers = 8);

} // namespace llmc::passes
