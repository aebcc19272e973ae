// The compile report: what was matched, chosen, planned and written.
#pragma once

#include "compiler/Emit/EmitPlan.h"
#include "compiler/Emit/PlacementSummary.h"
#include "compiler/Emit/PlanWriter.h"
#include "compiler/Pipeline/Compiler.h"
#include "compiler/Support/PhaseTimes.h"
#include "dialects/Npu/LeftOut.h"
#include "passes/Quantization/WeightStatistics.h"
#include "passes/Raising/RaiseReport.h"

#include <string>
#include <vector>

namespace llmc {

/// All regions that lie in one memory of the machine.
struct MemoryUse {
  std::string memory;
  std::string regions; ///< Their names.
  uint64_t bytes = 0, capacity = 0;
};
std::vector<MemoryUse> memoryUse(const PlanDescription &plan, const target::Machine &machine);

struct CompileFacts {
  const CompileOptions *options = nullptr;
  const target::Machine *machine = nullptr; ///< That the plan is for.
  const PlanDevices *asked = nullptr;       ///< What it was to be for.
  const PlacementSummary *placement = nullptr;
  const EmittedPlan *plan = nullptr;
  const PlanWriterResult *written = nullptr;
  const passes::RaiseReport *raised = nullptr;
  std::vector<passes::WeightStatistics> weights;
  std::string recipe;
  uint32_t contextLength = 0;
  uint64_t compulsoryWeightBytes = 0, kvBytesPerPosition = 0;
  std::vector<npu::LeftOut> leftOut;
  std::vector<std::string> warnings;
  std::vector<PhaseTime> phases;
  double seconds = 0;
};

/// One JSON document; docs/format/report.md has its names.
std::string compileReport(const CompileFacts &facts);

} // namespace llmc
