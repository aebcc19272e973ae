#include "compiler/Emit/PlacementSummary.h"

#include "compiler/Emit/EmitProgram.h"
#include "compiler/Emit/KernelSupport.h"
#include "compiler/Emit/PlanQueries.h"
#include "dialects/Npu/NpuAccess.h"

using namespace mlir;

namespace llmc {

namespace {

void count(PlacementSummary &summary, StringRef reason, uint64_t kernels, uint64_t runs) {
  auto add = [&](KernelCount &to) {
    to.kernels += kernels;
    to.runs += runs;
  };
  if (reason.empty())
    return add(summary.own);
  add(summary.fallback);
  auto known = llvm::find_if(summary.reasons,
                             [&](const auto &entry) { return StringRef(entry.text) == reason; });
  if (known == summary.reasons.end())
    known = summary.reasons.insert(known, {reason.str(), {}});
  add(known->count);
}

StringRef reasonOf(Operation *command) {
  StringAttr fallback = npu::fallbackOf(command);
  return fallback ? fallback.getValue() : "";
}

} // namespace

PlacementSummary placementOf(ModuleOp module) {
  PlacementSummary summary;
  for (auto kernel : module.getOps<npu::KernelOp>())
    count(summary, reasonOf(npu::commandOf(kernel)), 1, 0);
  for (auto program : module.getOps<npu::ProgramOp>()) {
    npu::CommandList commands = npu::commandsOf(program);
    for (const auto *list : {&commands.prologue, &commands.body, &commands.epilogue})
      for (Operation *command : *list)
        count(summary, reasonOf(command), 0, list == &commands.body ? uint64_t(commands.trips) : 1);
  }
  return summary;
}

PlacementSummary placementOf(plan::FileOp file, const PlanDevice &device) {
  PlacementSummary summary;
  const ParameterIndices parameters(file);
  for (plan::KernelOp kernel : file.records<plan::KernelOp>()) {
    auto op = cast<npu::ProgramOp>(plan::programOf(kernel));
    std::vector<uint32_t> maxima(kernel.getBounds().begin(), kernel.getBounds().end());
    target::Program program = emitProgram(op, parameters.of(kernel), maxima);
    for (const target::Section *section : {&program.prologue, &program.body, &program.epilogue})
      for (const target::Command &command : section->commands)
        if (!std::holds_alternative<target::Dma>(command.work))
          count(summary, verdictOn(command, device).reason, 1,
                section == &program.body ? program.trips : 1);
  }
  return summary;
}

} // namespace llmc
