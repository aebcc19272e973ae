#include "compiler/Emit/KernelSupport.h"

#include "dialects/Npu/NpuAccess.h"

#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace mlir;

namespace llmc {

namespace {

std::string textOf(Location location) {
  if (isa<UnknownLoc>(location))
    return "";
  std::string text;
  llvm::raw_string_ostream(text) << " at " << location;
  return text;
}

std::string refusal(StringRef entry, Operation *command, StringRef label, const PlanDevice &device,
                    const std::string &reason) {
  return fmt::format("entry '{}', {} '{}'{}: target '{}' does not support it on {}: {}; use "
                     "another recipe or another target",
                     entry.str(), command->getName().getStringRef().str(), label.str(),
                     textOf(command->getLoc()), device.target->name(), device.machine->name,
                     reason);
}

} // namespace

target::Verdict verdictOn(const target::KernelWork &work, const PlanDevice &device) {
  target::Verdict verdict = device.target->supports(*device.machine, work);
  if (!verdict.supported && verdict.reason.empty())
    verdict.reason = "no reason given";
  return verdict.supported ? target::Verdict() : verdict;
}

target::Verdict verdictOn(const target::Command &command, const PlanDevice &device) {
  if (auto *matmul = std::get_if<target::MatmulCommand>(&command.work))
    return verdictOn(matmul->matmul, device);
  if (auto *chain = std::get_if<target::ChainCommand>(&command.work))
    return verdictOn(chain->chain, device);
  return {};
}

std::string unsupportedKernel(npu::ProgramOp op, const target::Program &program,
                              const PlanDevice &device) {
  npu::CommandList ops = npu::commandsOf(op);
  const std::pair<ArrayRef<Operation *>, const target::Section &> sections[] = {
      {ops.prologue, program.prologue}, {ops.body, program.body}, {ops.epilogue, program.epilogue}};
  for (const auto &[operations, section] : sections)
    for (auto [operation, command] : llvm::zip_equal(operations, section.commands))
      if (target::Verdict verdict = verdictOn(command, device); !verdict.supported)
        return refusal(program.entry, operation, command.name, device, verdict.reason);
  return "";
}

std::string unsupportedKernel(npu::KernelOp op, const target::KernelRequest &request,
                              const PlanDevice &device) {
  target::Verdict verdict = verdictOn(request.work, device);
  if (verdict.supported)
    return "";
  Operation *command = npu::commandOf(op);
  return refusal(op.getProgram(), command, npu::labelOf(command), device, verdict.reason);
}

} // namespace llmc
