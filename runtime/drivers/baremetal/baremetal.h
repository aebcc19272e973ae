// The core that a firmware runs on, as the device of a plan: kernels are its machine code and are
// called where they lie, in flash or wherever the firmware put them. No heap, no threads, no state
// but this object. docs/format/cpu-kernels.md has the calling convention.
#ifndef LLMC_RUNTIME_DRIVERS_BAREMETAL_BAREMETAL_H
#define LLMC_RUNTIME_DRIVERS_BAREMETAL_BAREMETAL_H

#include "runtime/base/device.h"
#include "runtime/plan/plan.h"

namespace llmc::rt {

inline constexpr char baremetalBackend[] = "mcu";
inline constexpr uint32_t baremetalAbi = 1;    ///< What Kernel.abi and the target's abi must be.
inline constexpr uint32_t baremetalDriver = 1; ///< Compared with the target's driver_min.

/// Runs kernels on the calling stack; work is done when submit returns.
///
/// The firmware keeps: code of the plan is executable, and coherent where it was written by stores;
/// floating point is enabled and rounds to nearest, as after reset; vectors are enabled where the
/// plan's variant has them.
class BaremetalDevice {
public:
  /// `stackBytes`: what the stack has left for a kernel when a session runs. The plan outlives the
  /// device.
  BaremetalDevice(const Plan &plan, uint32_t stackBytes);
  BaremetalDevice(const BaremetalDevice &) = delete;
  BaremetalDevice &operator=(const BaremetalDevice &) = delete;

  /// Valid as long as this object.
  const llmc_device &table() const { return device; }

  /// Can this program's core run code of this variant?
  static bool runs(Text variant);

private:
  static llmc_status match(void *context, const llmc_target_info *target);
  static llmc_status load(void *context, uint32_t kernel, const void *code, size_t size);
  static llmc_status submit(void *context, const llmc_dispatch *dispatch);
  static llmc_status poll(void *context, uint32_t queue, uint32_t tag);

  const Plan &plan;
  const uint32_t stackBytes;
  llmc_device device = {};
};

} // namespace llmc::rt

#endif
