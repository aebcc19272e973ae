// From a lowered module to the plan description.
#pragma once

#include "compiler/Emit/DescribePlan.h"
#include "compiler/Emit/EmitKernels.h"

namespace llmc {

struct EmittedPlan {
  PlanDescription description;
  std::vector<EntryEstimate> entries;
};

/// The module's plan.file, lowered by llmc-lower-npu-to-plan from what describePlan() said with the
/// same `inputs`. Nothing, with `error` set, where the target refuses a program or a weight. The
/// module must outlive the description.
std::optional<EmittedPlan> emitPlan(mlir::ModuleOp module, const PlanDevices &devices,
                                    const PlanInputs &inputs, const target::HostServices &host,
                                    std::string &error);

} // namespace llmc
