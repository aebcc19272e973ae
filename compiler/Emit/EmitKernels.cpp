#include "compiler/Emit/EmitKernels.h"

#include "compiler/Emit/EmitDirect.h"
#include "compiler/Emit/EmitProgram.h"
#include "compiler/Emit/KernelSupport.h"
#include "compiler/Emit/PlanQueries.h"
#include "dialects/Npu/NpuAccess.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <fmt/format.h>

using namespace mlir;

namespace llmc {

namespace {

/// Blobs start at multiples of this.
constexpr uint64_t kBlobAlignment = 64;

/// Command streams: one for each program.
class StreamEncoder {
public:
  StreamEncoder(plan::FileOp file, const PlanDevice &device, std::string &error)
      : file(file), device(device), target(*device.target), machine(*device.machine), error(error) {
  }

  std::optional<EncodedKernels> run() {
    for (plan::KernelOp kernel : file.records<plan::KernelOp>())
      if (!encode(kernel))
        return std::nullopt;
    return std::move(result);
  }

private:
  bool encode(plan::KernelOp kernel) {
    auto op = dyn_cast_or_null<npu::ProgramOp>(plan::programOf(kernel));
    if (!op) {
      error = fmt::format("internal error: kernel '{}' is not an npu.program",
                          kernel.getSymName().str());
      return false;
    }
    std::vector<uint32_t> maxima(kernel.getBounds().begin(), kernel.getBounds().end());
    target::Program program = emitProgram(op, parameters.of(kernel), maxima);
    error = unsupportedKernel(op, program, device);
    if (!error.empty())
      return false;
    std::optional<std::vector<uint8_t>> blob = target.emit(machine, program, error);
    if (!blob) {
      error = fmt::format("entry '{}': target '{}' does not encode it, although it supports each "
                          "of its kernels: {}; use another recipe or another target",
                          program.entry, target.name(), error);
      return false;
    }
    append(kernel, *blob, estimate(op, program, blob->size()));
    return true;
  }

  void append(plan::KernelOp kernel, const std::vector<uint8_t> &blob,
              const EntryEstimate &estimate) {
    uint64_t most =
        *std::max_element(std::begin(estimate.engineCycles), std::end(estimate.engineCycles));
    std::vector<uint8_t> &code = result.code[kernel.getSegmentAttr().getAttr()];
    code.resize(llvm::alignTo(code.size(), kBlobAlignment));
    kernel.setBlobAttr(plan::BlobAttr::get(kernel.getContext(), int64_t(code.size()),
                                           int64_t(blob.size()), /*entry=*/0, int64_t(most),
                                           /*stack_bytes=*/0));
    code.insert(code.end(), blob.begin(), blob.end());
    result.estimates.push_back(estimate);
  }

  EntryEstimate estimate(npu::ProgramOp op, const target::Program &program, uint64_t bytes) const {
    EntryEstimate estimate;
    estimate.name = program.entry;
    estimate.kind = lm::stringifyEntryKind(op.getKind()).str();
    estimate.rows = uint32_t(op.getRows());
    estimate.sramBytes = op.getSramBytes().value_or(0);
    estimate.liveBytes = op.getLiveBytes().value_or(0);
    estimate.prefetchBytes = op.getPrefetchBytes().value_or(0);
    estimate.heldBytes = op.getHeldBytes().value_or(0);
    estimate.blobBytes = bytes;
    auto add = [&](const target::Section &section, uint64_t times) {
      for (const target::Command &command : section.commands) {
        estimate.engineCycles[unsigned(command.engine)] += times * cyclesOf(command);
        estimate.commands += times;
      }
    };
    add(program.prologue, 1);
    add(program.body, program.trips);
    add(program.epilogue, 1);
    return estimate;
  }

  uint64_t cyclesOf(const target::Command &command) const {
    if (auto *matmul = std::get_if<target::MatmulCommand>(&command.work))
      return target.cycles(machine, matmul->matmul);
    if (auto *chain = std::get_if<target::ChainCommand>(&command.work))
      return target.cycles(machine, chain->chain);
    const auto &dma = std::get<target::Dma>(command.work);
    bool isLoad = command.engine == target::Engine::Load;
    uint64_t runs = uint64_t(dma.counts[0].value) * dma.counts[1].value;
    return target.dmaCycles(machine, isLoad ? dma.source.space : dma.destination.space,
                            runs * dma.run.value, runs, isLoad);
  }

  plan::FileOp file;
  const PlanDevice &device;
  const target::Target &target;
  const target::Machine &machine;
  std::string &error;
  const ParameterIndices parameters{file};
  EncodedKernels result;
};

} // namespace

static void estimateEntries(plan::FileOp file, const PlanDevices &devices) {
  SymbolTable symbols(file);
  for (plan::EntryOp entry : file.records<plan::EntryOp>()) {
    uint64_t sum = 0;
    entry.walk([&](plan::DispatchOp dispatch) {
      uint64_t times = timesOf(dispatch);
      auto kernel = symbols.lookup<plan::KernelOp>(dispatch.getKernel());
      uint64_t each = uint64_t(kernel.getBlobAttr().getEstCycles());
      auto op = dyn_cast_or_null<npu::KernelOp>(plan::programOf(kernel));
      sum += times * (op ? inOwnCycles(devices, npu::commandOf(op), each) : each);
    });
    entry.setEstCycles(sum);
  }
}

uint64_t inOwnCycles(const PlanDevices &devices, Operation *command, uint64_t cycles) {
  const target::Machine &runs = *devices.of(command).machine, &own = *devices.own.machine;
  return &runs == &own ? cycles : uint64_t(double(cycles) * own.clockHz / runs.clockHz);
}

std::optional<EncodedKernels> encodeKernels(plan::FileOp file, const PlanDevices &devices,
                                            const target::HostServices &host, std::string &error) {
  bool isDirect = devices.own.machine->dispatch == target::DispatchKind::Kernel;
  std::optional<EncodedKernels> encoded = isDirect ? encodeDirect(file, devices, host, error)
                                                   : StreamEncoder(file, devices.own, error).run();
  if (encoded)
    estimateEntries(file, devices);
  return encoded;
}

} // namespace llmc
