// The simulator behind the runtime's device table: what `llmc run` drives, as firmware drives an
// NPU.
#pragma once

#include "runtime/base/device.h"
#include "targets/Interface/Device.h"
#include "targets/Rnpu/Encoding.h"
#include "targets/Rnpu/Simulator/Simulator.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace llmc::rnpu {

/// One simulated NPU. Work is done when submit returns. A dispatch's operands are the off-chip
/// memories in the order of target::Space; its first parameters are the program's arguments.
///
/// State bytes count as valid once the NPU wrote them, or once the host cleaned them (as it must
/// for a device to see its writes). attach and reset make all of them invalid.
class SimulatorDevice {
public:
  explicit SimulatorDevice(target::Machine machine);
  SimulatorDevice(const SimulatorDevice &) = delete;
  SimulatorDevice &operator=(const SimulatorDevice &) = delete;

  /// Valid as long as this object.
  const llmc_device &table() const { return device; }
  /// What the last call that failed has to say; empty before one did.
  const std::string &error() const { return text; }
  /// Figures of every dispatch since the start or clearStats.
  const Result &stats() const { return total; }
  uint64_t dispatches() const { return count; }
  void clearStats();
  Simulator &simulator() { return npu; }

private:
  struct HostWrite {
    const uint8_t *base;
    uint64_t size;
  };
  struct Hooks;

  rt::Status fail(rt::Code code, rt::Where where, uint64_t detail, std::string message);
  rt::Status match(const llmc_target_info &target);
  rt::Status load(uint32_t kernel, const void *code, size_t size);
  rt::Status submit(const llmc_dispatch &dispatch);
  void noteHostWrite(const void *base, uint64_t size);
  void applyHostWrites(const rt::Span<uint8_t> &state);

  Simulator npu;
  llmc_device device{};
  std::map<uint32_t, target::Program> kernels;
  std::vector<HostWrite> hostWrites;
  Result total;
  uint64_t count = 0;
  std::string text;
};

/// The same as a device of the target.
std::unique_ptr<target::TargetDevice> openSimulator(const target::Machine &machine);

} // namespace llmc::rnpu
