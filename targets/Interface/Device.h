// The device of a target, real or simulated, as tools see it.
#pragma once

#include "runtime/base/device.h"
#include "targets/Interface/Machine.h"
#include "targets/Interface/Program.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llmc::target {

/// What a simulated device did since it was opened, or since clearFigures.
struct SimulationFigures {
  struct Traffic {
    uint64_t read = 0, written = 0; ///< Bytes.
  };
  uint64_t cycles = 0, sramPeakBytes = 0;
  std::vector<Traffic> memories; ///< In the machine's order.
  std::array<uint64_t, kEngines> busyCycles{};
  uint64_t macsI8 = 0, macsF16 = 0;
  Band energy; ///< pJ, static power included.
};

class TargetDevice {
public:
  virtual ~TargetDevice() = default;
  /// Valid as long as this object.
  virtual const llmc_device &table() const = 0;
  /// The instruction set in use, or "simulated".
  virtual std::string isa() const = 0;
  /// What the last call that failed has to say; may be empty.
  virtual std::string error() const = 0;
  /// Nothing where the machine is real: its time is that of the host's clock.
  virtual std::optional<SimulationFigures> figures() const { return std::nullopt; }
  virtual void clearFigures() {}
};

} // namespace llmc::target
