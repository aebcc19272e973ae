#include "tools/llmc/TargetDevice.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc {

namespace {

class TargetDevice : public Device {
public:
  TargetDevice(const target::Machine &machine, uint32_t number,
               std::unique_ptr<target::TargetDevice> opened)
      : machine(machine), planTarget(number), device(std::move(opened)) {}
  const llmc_device &table() const override { return device->table(); }
  std::string error() const override { return device->error(); }
  uint32_t target() const override { return planTarget; }
  std::string isa() const override { return device->isa(); }
  uint32_t threads() const override { return 1; }
  std::optional<DeviceFigures> figures() const override;
  void clearFigures() override { device->clearFigures(); }
  double readBytesPerSecond() const override {
    return machine.memory(machine.placement.weights)->effectiveReadRate() * machine.clockHz;
  }
  double int8OpsPerSecond() const override {
    return 2.0 * machine.tensor.macPerCycleI8 * machine.clockHz;
  }
  double sustainedInt8OpsPerSecond(double) const override { return int8OpsPerSecond(); }
  uint64_t lastLevelCacheBytes() const override { return 0; }

private:
  void addTraffic(const target::SimulationFigures &from, DeviceFigures &figures) const;

  const target::Machine machine;
  const uint32_t planTarget;
  const std::unique_ptr<target::TargetDevice> device;
};

void TargetDevice::addTraffic(const target::SimulationFigures &from, DeviceFigures &figures) const {
  for (size_t i = 0; i < machine.memories.size(); ++i) {
    const target::Memory &memory = machine.memories[i];
    const auto &[read, written] = from.memories[i];
    const bool offChip = memory.kind != target::MemoryKind::Sram;
    figures.memories.push_back({memory.name, offChip, read, written});
    if (!offChip)
      continue;
    double cycles = double(read) / memory.effectiveReadRate();
    if (written) // Flash has no rate for it.
      cycles += double(written) / memory.effectiveWriteRate();
    figures.dmaBoundCycles = std::max(figures.dmaBoundCycles, cycles);
  }
}

std::optional<DeviceFigures> TargetDevice::figures() const {
  static constexpr const char *engines[target::kEngines] = {"load", "store", "tensor", "vector"};
  const std::optional<target::SimulationFigures> stats = device->figures();
  if (!stats)
    return std::nullopt;
  DeviceFigures figures;
  figures.cycles = stats->cycles;
  figures.clockHz = machine.clockHz;
  figures.sramPeakBytes = stats->sramPeakBytes;
  figures.sramCapacityBytes = machine.sram().bytes;
  figures.energy = stats->energy;
  addTraffic(*stats, figures);
  for (unsigned e = 0; e < target::kEngines; ++e)
    figures.engines.push_back({engines[e], stats->busyCycles[e]});
  const double rowRate = std::min(machine.tensor.macPerCycleI8, machine.tensor.gemvMacPerCycle);
  figures.macBoundCycles =
      double(stats->macsI8) / rowRate + double(stats->macsF16) / machine.tensor.macPerCycleF16;
  return figures;
}

} // namespace

std::unique_ptr<Device> createTargetDevice(const target::Target &target,
                                           const target::Machine &machine, const rt::Plan &plan,
                                           uint32_t number, const DeviceOptions &options,
                                           std::string &error) {
  // The least demanding variant comes first.
  for (uint32_t t = plan.nTargets(); t-- > number;) {
    const llmc_target_info info = plan.target(t);
    if (std::string_view(info.backend, info.backend_size) != target.name())
      continue;
    auto device = target.openDevice(machine, {info.variant, info.variant_size}, error);
    if (!device)
      continue;
    if (options.threads || options.isa) {
      error = fmt::format("{} is for plans of a CPU; this one is for '{}', which {}: leave it out",
                          options.threads ? "--threads" : "--isa", machine.name,
                          device->figures() ? "is simulated" : "is none");
      return nullptr;
    }
    return std::make_unique<TargetDevice>(machine, t, std::move(device));
  }
  return nullptr;
}

} // namespace llmc
