#pragma once

#include "passes/Algorithms/SramProblem.h"

#include <cstdint>
#include <string>
#include <vector>

namespace llmc::passes {

/// The judge of every planner: compares each pair of buffers and shares no code with those it
/// judges. One sentence per broken rule; empty means the plan is right.
std::vector<std::string> validatePlan(const SramProblem &problem,
                                      const std::vector<uint64_t> &offsets);

} // namespace llmc::passes
