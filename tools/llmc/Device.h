// Devices that can run plans, as `llmc` sees them: the runtime's table, and figures to print.
#pragma once

#include "runtime/drivers/cpu/cpu_features.h"
#include "runtime/plan/plan.h"
#include "targets/Interface/Machine.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llmc {

/// How to run a plan, where that is not the plan's to say. For CPUs alone.
struct DeviceOptions {
  std::optional<uint32_t> threads; ///< Nothing: as many as the process has CPUs.
  std::optional<rt::cpu::Isa> isa; ///< Nothing: the best that the plan and the machine have.
};

/// What a simulated device did since the start or the last clearFigures.
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

  uint64_t offChipBytes() const;
  double seconds() const { return clockHz > 0 ? double(cycles) / clockHz : 0; }
};

class Device {
public:
  virtual ~Device() = default;
  /// Valid as long as this object.
  virtual const llmc_device &table() const = 0;
  /// What the last call that failed has to say; empty where there is nothing beyond the status.
  virtual std::string error() const = 0;
  /// The plan's target that it runs; of several, the one that the plan was asked for.
  virtual uint32_t target() const = 0;
  /// Puts the table where bind looks for it: `tables` are by the plan's targets.
  virtual void bindTo(std::vector<const llmc_device *> &tables) const {
    tables[target()] = &table();
  }
  /// The instruction set in use, or "simulated".
  virtual std::string isa() const = 0;
  /// Threads of the host that compute the model.
  virtual uint32_t threads() const = 0;

  /// Nothing where the machine is real: its time is that of the host's clock.
  virtual std::optional<DeviceFigures> figures() const = 0;
  virtual void clearFigures() = 0;

  /// What the memory that holds the weights and the multipliers of 8-bit integers could do at most.
  /// Where the machine is real each call measures, and throws InputError where it cannot.
  virtual double readBytesPerSecond() const = 0;
  virtual double int8OpsPerSecond() const = 0;
  /// The multipliers once more, the mean over about `seconds`.
  virtual double sustainedInt8OpsPerSecond(double seconds) const = 0;
  /// Of the cache that all of that memory is read through; 0 where there is none or it is unknown.
  virtual uint64_t lastLevelCacheBytes() const = 0;
};

/// Makes devices for the targets that plans name. Filled in main; there is no global one.
class DeviceRegistry {
public:
  /// A device for the plan, or null with `error` set. `target` is the first of the plan's targets
  /// with the factory's backend. The plan outlives the device. Options that the device does not
  /// take are an error.
  using Factory = std::function<std::unique_ptr<Device>(
      const rt::Plan &plan, uint32_t target, const DeviceOptions &options, std::string &error)>;

  /// `takesOptions`: options are for this one where a plan needs several.
  void add(const std::string &backend, Factory factory, bool takesOptions = false);
  /// For the plan's targets whose backends are known, of which entries need no others: one device,
  /// or several as one, whose time is that of the host's clock.
  std::unique_ptr<Device> create(const rt::Plan &plan, const DeviceOptions &options,
                                 std::string &error) const;
  bool runs(const std::string &backend) const { return factories.count(backend) != 0; }
  /// Of all factories, with commas between.
  std::string backends() const;

private:
  struct Known {
    Factory factory;
    bool takesOptions = false;
  };
  /// The first of the plan's targets with each backend that is known, in their order.
  std::vector<uint32_t> targetsOf(const rt::Plan &plan) const;
  bool runsEntries(const rt::Plan &plan) const;

  std::map<std::string, Known> factories;
};

} // namespace llmc
