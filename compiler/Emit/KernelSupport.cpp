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

target::Verdict verdictOn(const target::Command &command, const target::Target &target,
                          const target::Machine &machine) {
  if (auto *matmul = std::get_if<target::MatmulCommand>(&command.work))
    return target.supports(machine, matmul->matmul);
  if (auto *chain = std::get_if<target::ChainCommand>(&command.work))
    return target.supports(machine, chain->chain);
  return {}; // Transfers are no kernels.
}

std::string refusal(StringRef entry, Operation *command, StringRef label,
                    const target::Target &target, const target::Machine &machine,
                    const std::string &reason) {
  return fmt::format("entry '{}', {} '{}'{}: target '{}' does not support it on {}: {}; use "
                     "another recipe or another target",
                     entry.str(), command->getName().getStringRef().str(), label.str(),
                     textOf(command->getLoc()), target.name(), machine.name, reason);
}

} // namespace

std::string unsupportedKernel(npu::ProgramOp op, const target::Program &program,
                              const target::Target &target, const target::Machine &machine) {
  npu::CommandList ops = npu::commandsOf(op);
  const std::pair<ArrayRef<Operation *>, const target::Section &> sections[] = {
      {ops.prologue, program.prologue}, {ops.body, program.body}, {ops.epilogue, program.epilogue}};
  for (const auto &[operations, section] : sections)
    for (auto [operation, command] : llvm::zip_equal(operations, section.commands))
      if (target::Verdict verdict = verdictOn(command, target, machine); !verdict.supported)
        return refusal(program.entry, operation, command.name, target, machine, verdict.reason);
  return "";
}

std::string unsupportedKernel(npu::KernelOp op, const target::KernelRequest &request,
                              const target::Target &target, const target::Machine &machine) {
  target::Verdict verdict = target.supports(machine, request.work);
  if (verdict.supported)
    return "";
  Operation *command = npu::commandOf(op);
  return refusal(op.getProgram(), command, npu::labelOf(command), target, machine, verdict.reason);
}

} // namespace llmc
