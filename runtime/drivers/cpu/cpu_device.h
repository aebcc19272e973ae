// The CPU of this host behind the runtime's device table: kernels are machine code.
#ifndef LLMC_RUNTIME_DRIVERS_CPU_CPU_DEVICE_H
#define LLMC_RUNTIME_DRIVERS_CPU_CPU_DEVICE_H

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/device.h"
#include "runtime/drivers/cpu/cpu_features.h"
#include "runtime/drivers/cpu/executable_blob.h"
#include "runtime/drivers/cpu/kernel_abi.h"
#include "runtime/drivers/cpu/worker_pool.h"
#include "runtime/plan/plan.h"

namespace llmc::rt::cpu {

/// The target of a plan that this machine should run: the `wanted` variant, or the best one it can
/// run. A host binds this target and no other of the plan's CPU targets. Null with one sentence in
/// `error`.
std::optional<uint32_t> chooseTarget(const Plan &plan, std::optional<Isa> wanted,
                                     const CpuProbe &probe, std::string &error);

/// Runs the kernels of one target. Work is done when submit returns.
class CpuDevice {
public:
  /// All three outlive the device.
  CpuDevice(const Plan &plan, uint32_t target, WorkerPool &pool,
            const CpuProbe &probe = hostProbe());
  CpuDevice(const CpuDevice &) = delete;
  CpuDevice &operator=(const CpuDevice &) = delete;

  /// Valid as long as this object.
  const llmc_device &table() const { return device; }
  /// What the last call that failed has to say; empty before one did.
  const std::string &error() const { return text; }

private:
  struct Hooks;

  Status fail(Code code, Where where, uint64_t detail, std::string message);
  Status match(const llmc_target_info &target);
  Status attach(Span<const llmc_memory> regions);
  Status load(uint32_t kernel, const uint8_t *code, size_t size);
  Status submit(const llmc_dispatch &dispatch);
  Status mapBlob(uint32_t index, Span<const uint8_t> code);
  std::string nameOfKernel(uint32_t kernel) const;

  const Plan &plan;
  const uint32_t target;
  WorkerPool &pool;
  const CpuProbe &probe;
  llmc_device device = {};
  std::map<uint32_t, std::unique_ptr<const ExecutableBlob>> blobs; // by the plan's
  std::vector<llmc_cpu_kernel> entries; // by kernel; null where it is another target's
  std::string text;
};

} // namespace llmc::rt::cpu

#endif
