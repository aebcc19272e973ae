// Changes plans as what they are: records, steps, loops and tensors, not bytes. What a change broke
// elsewhere is mended afterwards, so that most of the results are accepted by open and what lies
// behind it is reached; part of the time something is left broken.
#pragma once

#include "test/fuzz/plan_parts.h"
#include "test/fuzz/random.h"

namespace llmc::fuzz {

/// Another plan, made from `bytes`; empty where they are no plan whose FlatBuffer is sound, or the
/// result would be too large. The same seed gives the same plan.
std::vector<uint8_t> mutatePlan(std::span<const uint8_t> bytes, uint64_t seed);

/// Makes a description agree with itself again, where it has the least that a plan needs.
void mendPlan(PlanDescription &plan, Random &random);

} // namespace llmc::fuzz
