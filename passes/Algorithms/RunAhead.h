// Places buffers so that transfers can fill them before their step.
#pragma once

#include "passes/Algorithms/SramPlanner.h"

namespace llmc::passes {

/// The steps [first, last) in which nobody else needs to touch a buffer's bytes for its transfer to
/// run ahead without bounds.
struct Window {
  StepIdx first, last;
};

struct RunAheadPlan {
  std::vector<uint64_t> offsets; ///< one per buffer
  uint64_t peak = 0;             ///< bytes from offset 0 to the end of the highest buffer
  uint64_t held = 0;             ///< most bytes that buffers keep to themselves at one step
};

/// Every buffer keeps its whole window to itself where the capacity allows that. Else every buffer
/// has its bytes to itself for as many steps before its first one as the capacity allows, at most
/// back to the start of its window. A window holds at least the buffer's live range. `need` is a
/// plan of the problem that fits: nothing runs ahead in it except by chance.
RunAheadPlan planRunAhead(const SramProblem &problem, const std::vector<Window> &windows,
                          const SramPlan &need);

} // namespace llmc::passes
