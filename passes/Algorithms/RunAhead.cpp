#include "passes/Algorithms/RunAhead.h"

#include <algorithm>

namespace llmc::passes {
namespace {

SramProblem wholeWindows(SramProblem problem, const std::vector<Window> &windows) {
  for (size_t i = 0; i < windows.size(); ++i) {
    problem.buffers[i].first = windows[i].first;
    problem.buffers[i].last = windows[i].last;
  }
  return problem;
}

SramProblem startedEarlier(SramProblem problem, const std::vector<Window> &windows,
                           uint32_t steps) {
  for (size_t i = 0; i < windows.size(); ++i) {
    uint32_t &first = problem.buffers[i].first.value;
    first -= std::min(steps, first - windows[i].first.value);
  }
  return problem;
}

uint32_t longestWay(const SramProblem &problem, const std::vector<Window> &windows) {
  uint32_t longest = 0;
  for (size_t i = 0; i < windows.size(); ++i)
    longest = std::max(longest, problem.buffers[i].first.value - windows[i].first.value);
  return longest;
}

/// Greedy by size and area. In order of steps, first fit gives a buffer the bytes that were freed
/// last, so that its transfer waits longest.
PlannerParams quick() {
  PlannerParams params;
  params.greedyByStart = params.hillClimb = params.branchAndBound = false;
  return params;
}

} // namespace

RunAheadPlan planRunAhead(const SramProblem &problem, const std::vector<Window> &windows,
                          const SramPlan &need) {
  SramPlan whole = planSram(wholeWindows(problem, windows), quick());
  if (whole.fits)
    return {std::move(whole.offsets), whole.peak, whole.blame.bytes};
  RunAheadPlan best = {need.offsets, need.peak, need.blame.bytes};
  // Bisection: `fits` steps fit, `tooFar` do not.
  uint32_t fits = 0, tooFar = longestWay(problem, windows) + 1;
  while (tooFar - fits > 1) {
    uint32_t steps = fits + (tooFar - fits) / 2;
    SramPlan plan = planSram(startedEarlier(problem, windows, steps), quick());
    (plan.fits ? fits : tooFar) = steps;
    if (plan.fits)
      best = {std::move(plan.offsets), plan.peak, plan.blame.bytes};
  }
  return best;
}

} // namespace llmc::passes
