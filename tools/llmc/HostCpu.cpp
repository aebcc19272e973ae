#include "tools/llmc/HostCpu.h"

#include "runtime/drivers/cpu/cpu_device.h"
#include "runtime/drivers/cpu/machine_peaks.h"
#include "tools/llmc/Errors.h"

#include <algorithm>

namespace llmc {

namespace {

using rt::cpu::Isa;

class HostCpu : public Device {
public:
  HostCpu(const rt::Plan &plan, uint32_t target, std::unique_ptr<rt::cpu::WorkerPool> threads)
      : planTarget(target), pool(std::move(threads)), cpu(plan, target, *pool) {
    const llmc_target_info info = plan.target(target);
    variant = *rt::cpu::isaNamed({info.variant, info.variant_size}); // as chooseTarget found it
  }

  const llmc_device &table() const override { return cpu.table(); }
  std::string error() const override { return cpu.error(); }
  uint32_t target() const override { return planTarget; }
  std::string isa() const override { return rt::cpu::nameOf(variant); }
  uint32_t threads() const override { return pool->threads(); }
  std::optional<DeviceFigures> figures() const override { return std::nullopt; }
  void clearFigures() override {}

  double readBytesPerSecond() const override {
    const auto rate = rt::cpu::measureReadBytesPerSecond(variant, *pool);
    if (!rate)
      throw InputError("measuring how fast memory is read needs " +
                       std::to_string(rt::cpu::readProbeBytes) +
                       " bytes of it, which the system refuses; free memory, or raise the limit of "
                       "this process");
    return *rate;
  }
  double int8OpsPerSecond() const override {
    return rt::cpu::measureInt8OpsPerSecond(variant, *pool);
  }
  double sustainedInt8OpsPerSecond(double seconds) const override {
    return rt::cpu::measureSustainedInt8OpsPerSecond(variant, *pool, seconds);
  }
  uint64_t lastLevelCacheBytes() const override { return rt::cpu::lastLevelCacheBytes(); }

private:
  const uint32_t planTarget;
  const std::unique_ptr<rt::cpu::WorkerPool> pool;
  rt::cpu::CpuDevice cpu;
  Isa variant;
};

} // namespace

std::unique_ptr<Device> createHostCpu(const rt::Plan &plan, const DeviceOptions &options,
                                      std::string &error) {
  const std::optional<uint32_t> target =
      rt::cpu::chooseTarget(plan, options.isa, rt::cpu::hostProbe(), error);
  if (!target) {
    if (options.isa)
      error = std::string("--isa=") + rt::cpu::nameOf(*options.isa) + ": " + error;
    return nullptr;
  }
  rt::cpu::PoolOptions pool;
  pool.threads = options.threads.value_or(std::min(rt::cpu::availableCpus(), rt::cpu::maxThreads));
  std::unique_ptr<rt::cpu::WorkerPool> threads = rt::cpu::WorkerPool::create(pool, error);
  if (!threads)
    return nullptr;
  return std::make_unique<HostCpu>(plan, *target, std::move(threads));
}

} // namespace llmc
