// Plans from which fuzzing starts: small, and together with every kind of record and step.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "compiler/Emit/PlanDescription.h"

namespace llmc::fuzz {

/// By name.
std::vector<std::pair<std::string, PlanDescription>> seedPlans();

} // namespace llmc::fuzz
