// Bandwidth of the off-chip memories, shared max-min fair between the transfers under way.
//
// A transfer is so many cycles of work at the rate it has alone; that rate takes a share of its
// memory's bus. While the shares of a memory's transfers sum to more than the whole bus, the small
// ones get what they ask for and the others split the rest. Rates change only when a transfer
// starts or ends. Times are whole cycles, an end is rounded up.
#pragma once

#include "targets/Interface/Machine.h"

#include <cstdint>
#include <vector>

namespace llmc::rnpu {

/// A split of one bus: what each demand gets of capacity 1.
std::vector<double> maxMinShares(const std::vector<double> &demands);

class Bus {
public:
  static constexpr uint64_t never = UINT64_MAX;

  /// One slot per channel; a slot runs one transfer at a time.
  explicit Bus(unsigned slots) : flows(slots) {}

  /// `work` cycles alone; `demand` in (0, 1] is the share of bus `memory` it then takes.
  void start(unsigned slot, uint64_t now, uint64_t work, unsigned memory, double demand);
  /// The end of the slot's transfer, or `never`.
  uint64_t endOf(unsigned slot) const { return flows[slot].end; }
  /// Ends the slot's transfer at its end.
  void finish(unsigned slot, uint64_t now);

private:
  struct Flow {
    bool active = false;
    double left = 0, rate = 0, demand = 0;
    unsigned memory = 0;
    uint64_t end = never;
  };
  void settle(uint64_t now);
  void recompute(uint64_t now);

  std::vector<Flow> flows;
  uint64_t since = 0; ///< Rates hold from here on.
};

/// Share of a memory's bus that one channel takes alone: Little's law against the usable peak.
double shareOfBus(const target::Memory &memory, bool read);

} // namespace llmc::rnpu
