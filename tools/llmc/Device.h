// Devices that can run plans, as `llmc` sees them: the runtime's table, and figures to print.
#pragma once

#include "runtime/base/device.h"
#include "targets/Interface/Machine.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace llmc {

/// What a device did since the start or the last clearFigures.
struct DeviceFigures {
  struct Traffic {
    std::string memory;
    bool offChip = false;
    uint64_t read = 0, written = 0; ///< Bytes as requested.
  };
  struct EngineUse {
    std::string engine;
    uint64_t busyCycles = 0;
  };

  uint64_t cycles = 0;
  double clockHz = 0;
  uint64_t sramPeakBytes = 0, sramCapacityBytes = 0;
  std::vector<Traffic> memories;
  std::vector<EngineUse> engines;
  target::Band energy; ///< pJ, static power included.
  /// The slowest off-chip memory moving those bytes at its sustained rate, and the tensor engine
  /// doing those multiplications one token at a time.
  double dmaBoundCycles = 0, macBoundCycles = 0;
  /// What the memory that holds the weights and the tensor engine could do at most.
  double readBytesPerSecond = 0, int8OpsPerSecond = 0;

  uint64_t offChipBytes() const;
};

class Device {
public:
  virtual ~Device() = default;
  /// Valid as long as this object.
  virtual const llmc_device &table() const = 0;
  /// What the last call that failed has to say; empty where there is nothing beyond the status.
  virtual std::string error() const = 0;
  virtual DeviceFigures figures() const = 0;
  virtual void clearFigures() = 0;
};

/// Makes devices for the targets that plans name. Filled in main; there is no global one.
class DeviceRegistry {
public:
  /// A device for a machine of the backend, or null with `error` set.
  using Factory =
      std::function<std::unique_ptr<Device>(const std::string &machine, std::string &error)>;

  void add(const std::string &backend, Factory factory);
  std::unique_ptr<Device> create(const std::string &backend, const std::string &machine,
                                 std::string &error) const;

private:
  std::map<std::string, Factory> factories;
};

} // namespace llmc
