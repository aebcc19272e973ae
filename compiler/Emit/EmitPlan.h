// From planned npu programs to the plan description.
#pragma once

#include "compiler/Emit/PlanDescription.h"
#include "dialects/Npu/Npu.h"
#include "targets/Interface/Target.h"

#include <optional>
#include <string>

namespace llmc {

/// What the plan says of the model beside its programs.
struct PlanInputs {
  ModelDescription model;
  std::vector<uint8_t> tokenizer; ///< Segment; empty: none.
  bool addBos = false;
  std::vector<KeyValueDescription> metadata;
};

/// What was estimated and planned of one entry, for reports.
struct EntryEstimate {
  std::string name, kind;
  uint32_t rows = 0;
  uint64_t sramBytes = 0, liveBytes = 0, blobBytes = 0;
  uint64_t engineCycles[target::kEngines] =
      {}; ///< Sum over the engine's commands, waits aside, at the arguments' maxima.
  uint64_t commands = 0;
};

struct EmittedPlan {
  PlanDescription description;
  std::vector<EntryEstimate> entries;
};

/// Nothing, with `error` set, where the target refuses a program or a number does not fit the
/// format. The module must outlive the description.
std::optional<EmittedPlan> emitPlan(mlir::ModuleOp module, const target::Target &target,
                                    const target::Machine &machine, const PlanInputs &inputs,
                                    std::string &error);

} // namespace llmc
