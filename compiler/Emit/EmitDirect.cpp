#include "compiler/Emit/EmitDirect.h"

#include "compiler/Emit/EmitProgram.h"
#include "compiler/Emit/KernelSupport.h"
#include "compiler/Emit/PlanQueries.h"
#include "dialects/Npu/NpuAccess.h"

#include <fmt/format.h>

using namespace mlir;

namespace llmc {

namespace {

/// Reads of paged weights, and what is under way while kernels run: steps in their order, loops as
/// often as they go.
struct PageCount {
  SymbolTable &symbols;
  EntryEstimate &estimate;
  uint64_t underWay = 0;

  void run(Block &steps) {
    for (Operation &step : steps) {
      if (auto loop = dyn_cast<plan::LoopOp>(step)) {
        for (uint64_t trip = 0; trip < loop.getTimes().value_or(1); ++trip)
          run(loop.getBody().front());
      } else if (auto read = dyn_cast<plan::PrefetchOp>(step)) {
        add(1, read.getBytes());
      } else if (auto gather = dyn_cast<plan::GatherOp>(step)) {
        if (isPaged(gather))
          add(symbols.lookup<plan::OperandOp>(gather.getIds()).getExtent() / 4,
              gather.getRowBytes());
      } else if (auto wait = dyn_cast<plan::WaitOp>(step)) {
        if (!wait.getQueueAttr())
          underWay = std::min(underWay, uint64_t(wait.getOutstanding()));
      } else if (isa<plan::BarrierOp>(step)) {
        underWay = 0;
      } else if (isa<plan::DispatchOp>(step)) {
        estimate.overlapped += underWay > 0;
      }
    }
  }

private:
  bool isPaged(plan::GatherOp gather) const {
    auto table = symbols.lookup<plan::OperandOp>(gather.getTable());
    auto buffer = symbols.lookup<plan::BufferOp>(table.getBuffer());
    auto region = symbols.lookup<plan::RegionOp>(buffer.getRegion());
    return region.getKind() == plan::RegionKind::FlashPaged;
  }

  void add(uint64_t reads, uint64_t bytesEach) {
    estimate.pageReads += reads;
    estimate.pageBytes += reads * bytesEach;
    underWay += reads;
  }
};

class DirectEncoder {
public:
  DirectEncoder(plan::FileOp file, const PlanDevices &devices, const target::HostServices &host,
                std::string &error)
      : file(file), devices(devices), host(host), error(error) {}

  std::optional<EncodedKernels> run() {
    for (plan::TargetOp op : file.records<plan::TargetOp>()) {
      const PlanDevice &device = deviceOf(op);
      for (const target::Variant &variant : device.target->variants(*device.machine))
        if (op.getVariant().value_or("") == variant.name && !encode(op, device, variant))
          return std::nullopt;
    }
    for (auto program : file->getParentOfType<ModuleOp>().getOps<npu::ProgramOp>())
      estimate(program);
    return std::move(result);
  }

private:
  const PlanDevice &deviceOf(plan::TargetOp op) const {
    return op.getDevice() == devices.own.machine->name ? devices.own : *devices.fallback;
  }

  bool encode(plan::TargetOp op, const PlanDevice &device, const target::Variant &variant) {
    std::vector<plan::KernelOp> kernels;
    std::vector<target::KernelRequest> requests;
    for (plan::KernelOp kernel : file.records<plan::KernelOp>()) {
      if (kernel.getTarget() != op.getSymName())
        continue;
      std::optional<target::KernelRequest> request = requestOf(kernel, device);
      if (!request)
        return false;
      kernels.push_back(kernel);
      requests.push_back(std::move(*request));
    }
    std::optional<target::Blob> blob =
        device.target->emitKernels(*device.machine, variant, requests, host, error);
    if (!blob) {
      error = fmt::format("target '{}', variant '{}', makes no code, although it supports each "
                          "kernel: {}; use another recipe or another target",
                          device.target->name(), variant.name, error);
      return false;
    }
    if (blob->entries.size() != kernels.size()) {
      error =
          fmt::format("internal error, target '{}', variant '{}': not one entry for each kernel",
                      device.target->name(), variant.name);
      return false;
    }
    for (auto [kernel, request, entry] : llvm::zip_equal(kernels, requests, blob->entries))
      kernel.setBlobAttr(plan::BlobAttr::get(
          kernel.getContext(), /*offset=*/0, int64_t(blob->bytes.size()), entry.offset,
          int64_t(device.target->cycles(*device.machine, request.work)),
          entry.stackBytes ? entry.stackBytes : variant.stackBytes));
    if (!kernels.empty())
      result.code[kernels.front().getSegmentAttr().getAttr()] = std::move(blob->bytes);
    return true;
  }

  std::optional<target::KernelRequest> requestOf(plan::KernelOp kernel, const PlanDevice &device) {
    auto op = dyn_cast_or_null<npu::KernelOp>(plan::programOf(kernel));
    if (!op) {
      error = fmt::format("internal error: kernel '{}' is not an npu.kernel",
                          kernel.getSymName().str());
      return std::nullopt;
    }
    target::KernelRequest request = emitRequest(op, parameters.of(kernel));
    error = unsupportedKernel(op, request, device);
    if (!error.empty())
      return std::nullopt;
    cycles[op.getSymNameAttr()] = inOwnCycles(devices, npu::commandOf(op),
                                              device.target->cycles(*device.machine, request.work));
    return request;
  }

  void estimate(npu::ProgramOp program) {
    EntryEstimate estimate;
    estimate.name = program.getSymName().str();
    estimate.kind = lm::stringifyEntryKind(program.getKind()).str();
    estimate.rows = uint32_t(program.getRows());
    estimate.sramBytes = program.getSramBytes().value_or(0);
    estimate.liveBytes = program.getLiveBytes().value_or(0);
    estimate.heldBytes = program.getHeldBytes().value_or(0);
    // Dispatches of the first variant; the others run the same kernels.
    SymbolTable symbols(file);
    for (plan::EntryOp entry : file.records<plan::EntryOp>()) {
      if (entry.getName().value_or(entry.getSymName()) != program.getSymName())
        continue;
      entry.walk([&](plan::DispatchOp dispatch) {
        uint64_t times = timesOf(dispatch);
        auto kernel = symbols.lookup<plan::KernelOp>(dispatch.getKernel());
        auto op = cast<npu::KernelOp>(plan::programOf(kernel));
        estimate.commands += times;
        estimate.engineCycles[unsigned(npu::engineOf(npu::commandOf(op)))] +=
            times * cycles.lookup(op.getSymNameAttr());
      });
      PageCount pages{symbols, estimate};
      pages.run(entry.getBody().front());
      break;
    }
    result.estimates.push_back(std::move(estimate));
  }

  plan::FileOp file;
  const PlanDevices &devices;
  const target::HostServices &host;
  std::string &error;
  const ParameterIndices parameters{file};
  DenseMap<StringAttr, uint64_t> cycles; ///< Of each npu.kernel, in those of the plan's machine.
  EncodedKernels result;
};

} // namespace

std::optional<EncodedKernels> encodeDirect(plan::FileOp file, const PlanDevices &devices,
                                           const target::HostServices &host, std::string &error) {
  return DirectEncoder(file, devices, host, error).run();
}

} // namespace llmc
