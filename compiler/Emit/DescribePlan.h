// What is known of the plan before lowering, into the module.
#pragma once

#include "compiler/Emit/PlanDescription.h"
#include "dialects/Plan/Plan.h"
#include "targets/Interface/Target.h"

namespace llmc {

/// What the plan says of the model beside its programs.
struct PlanInputs {
  ModelDescription model;
  std::vector<uint8_t> tokenizer; ///< Segment; empty: none.
  bool addBos = false;
  std::vector<KeyValueDescription> metadata;
};

/// Gives the module a plan.file with target, model, tokenizer and metadata, and `plan.placement`:
/// what llmc-lower-npu-to-plan requires beside the programs.
void describePlan(mlir::ModuleOp module, const target::Target &target,
                  const target::Machine &machine, const PlanInputs &inputs);

} // namespace llmc
