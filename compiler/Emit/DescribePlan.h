// What is known of the plan before lowering, into the module.
#pragma once

#include "compiler/Emit/PlanDescription.h"
#include "compiler/Emit/PlanDevices.h"
#include "dialects/Plan/Plan.h"

namespace llmc {

/// What the plan says of the model beside its programs.
struct PlanInputs {
  ModelDescription model;
  std::vector<uint8_t> tokenizer; ///< Segment; empty: none.
  bool addBos = false;
  std::vector<KeyValueDescription> metadata;
};

/// Gives the module a plan.file with targets, model, tokenizer and metadata, and `plan.placement`:
/// what llmc-lower-npu-to-plan requires beside the programs.
void describePlan(mlir::ModuleOp module, const PlanDevices &devices, const PlanInputs &inputs);

} // namespace llmc
