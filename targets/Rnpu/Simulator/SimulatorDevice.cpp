// Blobs are decoded once, at load; they are untrusted.
#include "targets/Rnpu/Simulator/SimulatorDevice.h"

#include "targets/Rnpu/MachineRules.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <string_view>

namespace llmc::rnpu {

using namespace target;
using rt::Code;
using rt::Status;
using rt::Where;

/// The operands of a dispatch: every space but SRAM.
static constexpr uint32_t operandCount = kSpaces - 1;

/// The table's functions.
struct SimulatorDevice::Hooks {
  static SimulatorDevice &self(void *ctx) { return *static_cast<SimulatorDevice *>(ctx); }
  static llmc_status match(void *ctx, const llmc_target_info *target) {
    return self(ctx).match(*target);
  }
  static llmc_status attach(void *ctx, const llmc_memory *, uint32_t) {
    self(ctx).kernels.clear();
    return reset(ctx);
  }
  static llmc_status load(void *ctx, uint32_t kernel, const void *code, size_t size) {
    return self(ctx).load(kernel, code, size);
  }
  static llmc_status submit(void *ctx, const llmc_dispatch *dispatch) {
    return self(ctx).submit(*dispatch);
  }
  static llmc_status poll(void *, uint32_t, uint32_t) { return Status(); }
  static llmc_status cancel(void *, uint32_t) { return Status(); }
  static llmc_status reset(void *ctx) {
    self(ctx).npu.resetState();
    self(ctx).hostWrites.clear();
    return Status();
  }
  static void clean(void *ctx, void *base, size_t size) { self(ctx).noteHostWrite(base, size); }
};

SimulatorDevice::SimulatorDevice(Machine machine) : npu(std::move(machine)) {
  device.struct_size = sizeof device;
  device.abi = LLMC_DEVICE_ABI;
  device.ctx = this;
  device.match = Hooks::match;
  device.attach = Hooks::attach;
  device.load = Hooks::load;
  device.submit = Hooks::submit;
  device.poll = Hooks::poll;
  device.cancel = Hooks::cancel;
  device.reset = Hooks::reset;
  device.clean = Hooks::clean;
}

void SimulatorDevice::clearStats() {
  total = Result();
  count = 0;
}

Status SimulatorDevice::fail(Code code, Where where, uint64_t detail, std::string message) {
  text = std::move(message);
  return Status(code, where, detail);
}

Status SimulatorDevice::match(const llmc_target_info &info) {
  const Machine &machine = npu.machine();
  const std::string_view backend(info.backend, info.backend_size);
  const std::string_view name(info.device, info.device_size);
  if (backend != machine.target || name != machine.name)
    return fail(LLMC_DEVICE_MISMATCH, LLMC_AT_DEVICE, 0,
                fmt::format("the plan was made for {} '{}', this is {} '{}'", backend, name,
                            machine.target, machine.name));
  if (info.config && std::memcmp(info.config, machine.digest.data(), machine.digest.size()) != 0)
    return fail(
        LLMC_DEVICE_MISMATCH, LLMC_AT_DEVICE, 0,
        fmt::format("the plan was made for another description of '{}': compile it again, or "
                    "run it with the one it was made for",
                    machine.name));
  return Status();
}

Status SimulatorDevice::load(uint32_t kernel, const void *code, size_t size) {
  std::string error;
  std::optional<Image> image = decode(static_cast<const uint8_t *>(code), size, error);
  if (!image)
    return fail(LLMC_BAD_STRUCTURE, LLMC_AT_KERNEL, kernel,
                fmt::format("kernel {}: {}", kernel, error));
  if (image->machine != npu.machine().digest)
    return fail(LLMC_DEVICE_MISMATCH, LLMC_AT_KERNEL, kernel,
                fmt::format("kernel {}: encoded for another description than that of '{}'", kernel,
                            npu.machine().name));
  if (const std::optional<std::string> broken = checkMachine(npu.machine(), image->program))
    return fail(LLMC_BAD_VALUE, LLMC_AT_KERNEL, kernel,
                fmt::format("kernel {}: {}", kernel, *broken));
  kernels[kernel] = std::move(image->program);
  return Status();
}

void SimulatorDevice::noteHostWrite(const void *base, uint64_t size) {
  hostWrites.push_back({static_cast<const uint8_t *>(base), size});
}

/// The part of every host write that lies in State.
void SimulatorDevice::applyHostWrites(const rt::Span<uint8_t> &state) {
  const auto begin = reinterpret_cast<uintptr_t>(state.data), end = begin + state.size;
  for (const HostWrite &write : hostWrites) {
    const auto from = std::max(begin, reinterpret_cast<uintptr_t>(write.base));
    const auto to = std::min(end, reinterpret_cast<uintptr_t>(write.base) + write.size);
    if (from < to)
      npu.markStateValid(from - begin, to - from);
  }
  hostWrites.clear();
}

Status SimulatorDevice::submit(const llmc_dispatch &dispatch) {
  if (!kernels.count(dispatch.kernel))
    if (const Status status = load(dispatch.kernel, dispatch.code, dispatch.code_size);
        status.failed())
      return status;
  const Program &program = kernels[dispatch.kernel];
  if (dispatch.n_operands != operandCount || dispatch.n_params < program.arguments)
    return fail(LLMC_INVALID_ARGUMENT, LLMC_AT_KERNEL, dispatch.kernel,
                fmt::format("kernel {} ('{}'): {} operands and {} parameters given, it takes {} "
                            "operands and {} parameters",
                            dispatch.kernel, program.entry, dispatch.n_operands, dispatch.n_params,
                            operandCount, program.arguments));
  const auto span = [&](Space space) {
    const llmc_operand_view &view = dispatch.operands[unsigned(space)];
    return rt::Span<uint8_t>(static_cast<uint8_t *>(view.base), view.size);
  };
  const Bindings bindings = {span(Space::Weights), span(Space::State), span(Space::Ids),
                             span(Space::Io), span(Space::Scratch)};
  npu.bind(bindings);
  applyHostWrites(bindings.state);
  const Result result = npu.dispatch(program, bindings, {dispatch.params, program.arguments});
  total.accumulate(result);
  ++count;
  if (result.fault)
    return fail(LLMC_DEVICE_FAULT, LLMC_AT_KERNEL, dispatch.kernel, result.fault->message);
  return Status();
}

namespace {

class RnpuDevice final : public TargetDevice {
public:
  explicit RnpuDevice(const Machine &machine) : memories(machine.memories.size()), npu(machine) {}
  const llmc_device &table() const override { return npu.table(); }
  std::string isa() const override { return "simulated"; }
  std::string error() const override { return npu.error(); }
  std::optional<SimulationFigures> figures() const override;
  void clearFigures() override { npu.clearStats(); }

private:
  size_t memories;
  SimulatorDevice npu;
};

std::optional<SimulationFigures> RnpuDevice::figures() const {
  const Result &stats = npu.stats();
  SimulationFigures figures;
  figures.cycles = stats.cycles;
  figures.sramPeakBytes = stats.sramPeak;
  figures.memories.resize(memories); // The simulator has none before it ran anything.
  for (size_t i = 0; i < stats.memories.size(); ++i)
    figures.memories[i] = {stats.memories[i].read, stats.memories[i].written};
  for (unsigned e = 0; e < kEngines; ++e)
    figures.busyCycles[e] = stats.engines[e].busy;
  figures.macsI8 = stats.counters.macsI8;
  figures.macsF16 = stats.counters.macsF16;
  figures.energy = stats.totalEnergy();
  return figures;
}

} // namespace

std::unique_ptr<TargetDevice> openSimulator(const Machine &machine) {
  return std::make_unique<RnpuDevice>(machine);
}

} // namespace llmc::rnpu
