#include "tools/llmc/SimulatedNpu.h"

#include "targets/Rnpu/Simulator/SimulatorDevice.h"

#include <algorithm>

namespace llmc {

namespace {

class SimulatedNpu : public Device {
public:
  SimulatedNpu(const target::Machine &machine, uint32_t target)
      : machine(machine), planTarget(target), npu(machine) {}
  const llmc_device &table() const override { return npu.table(); }
  std::string error() const override { return npu.error(); }
  uint32_t target() const override { return planTarget; }
  std::string isa() const override { return "simulated"; }
  uint32_t threads() const override { return 1; }
  std::optional<DeviceFigures> figures() const override;
  void clearFigures() override { npu.clearStats(); }
  double readBytesPerSecond() const override {
    return machine.memory(machine.placement.weights)->effectiveReadRate() * machine.clockHz;
  }
  double int8OpsPerSecond() const override {
    return 2.0 * machine.tensor.macPerCycleI8 * machine.clockHz;
  }
  double sustainedInt8OpsPerSecond(double) const override { return int8OpsPerSecond(); }
  uint64_t lastLevelCacheBytes() const override { return 0; }

private:
  void addTraffic(DeviceFigures &figures) const;

  const target::Machine machine;
  const uint32_t planTarget;
  rnpu::SimulatorDevice npu;
};

void SimulatedNpu::addTraffic(DeviceFigures &figures) const {
  for (const rnpu::Traffic &traffic : npu.stats().memories) {
    const target::Memory &memory = *machine.memory(traffic.memory);
    const bool offChip = memory.kind != target::MemoryKind::Sram;
    figures.memories.push_back({traffic.memory, offChip, traffic.read, traffic.written});
    if (!offChip)
      continue;
    double cycles = double(traffic.read) / memory.effectiveReadRate();
    if (traffic.written) // Flash has no rate for it.
      cycles += double(traffic.written) / memory.effectiveWriteRate();
    figures.dmaBoundCycles = std::max(figures.dmaBoundCycles, cycles);
  }
}

std::optional<DeviceFigures> SimulatedNpu::figures() const {
  static constexpr const char *engines[target::kEngines] = {"load", "store", "tensor", "vector"};
  const rnpu::Result &stats = npu.stats();
  DeviceFigures figures;
  figures.cycles = stats.cycles;
  figures.clockHz = machine.clockHz;
  figures.sramPeakBytes = stats.sramPeak;
  figures.sramCapacityBytes = machine.sram().bytes;
  figures.energy = stats.totalEnergy();
  addTraffic(figures);
  for (unsigned e = 0; e < target::kEngines; ++e)
    figures.engines.push_back({engines[e], stats.engines[e].busy});
  const double rowRate = std::min(machine.tensor.macPerCycleI8, machine.tensor.gemvMacPerCycle);
  figures.macBoundCycles = double(stats.counters.macsI8) / rowRate +
                           double(stats.counters.macsF16) / machine.tensor.macPerCycleF16;
  return figures;
}

} // namespace

std::unique_ptr<Device> createSimulatedNpu(const target::Machine &machine, uint32_t target,
                                           const DeviceOptions &options, std::string &error) {
  if (options.threads || options.isa) {
    error = std::string(options.threads ? "--threads" : "--isa") +
            " is for plans of a CPU; this one is for '" + machine.name +
            "', which is simulated: leave it out";
    return nullptr;
  }
  return std::make_unique<SimulatedNpu>(machine, target);
}

} // namespace llmc
