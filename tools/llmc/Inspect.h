// What a plan file says, as one JSON document and as text.
#pragma once

#include "runtime/drivers/host/plan_file.h"
#include "targets/Interface/Target.h"

#include <nlohmann/json.hpp>
#include <string>

namespace llmc {

/// Target, model, regions, segments, entries with their steps, kernels, parameters, states,
/// metadata.
nlohmann::ordered_json describePlan(const rt::host::PlanFile &file);

/// The same for people. `plan` is what describePlan gives.
std::string formatPlan(const nlohmann::ordered_json &plan);

/// Time x address of every entry, of what DebugInfo::memoryMap gives.
std::string drawMemory(const nlohmann::ordered_json &map);

/// Every kernel, by the targets that the plan names. Throws InputError for an unknown target.
std::string disassembleKernels(const rt::host::PlanFile &file,
                               const target::TargetRegistry &targets);

} // namespace llmc
