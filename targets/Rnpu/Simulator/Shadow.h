// What the judge remembers of one memory: which bytes hold something, and who touched what last.
//
// Order is by vector clocks, not by time. A clock says, for each engine, how many of its commands
// are known to have retired. An access conflicts with an earlier one that its clock does not
// contain, however the simulated timing fell. The last writer and each engine's last reader since
// are kept per granule, 16 bytes off chip and 4 in SRAM; fp32 and DMA accesses start at multiples
// of one, so that two of them share a granule only where they share bytes.
#pragma once

#include "targets/Interface/Program.h"

#include <array>
#include <cstdint>
#include <vector>

namespace llmc::rnpu {

/// Per engine: that many of its commands have retired, counted over the simulator's life.
using Clock = std::array<uint32_t, target::kEngines>;

/// Pointwise maximum.
inline void join(Clock &into, const Clock &other) {
  for (unsigned e = 0; e < target::kEngines; ++e)
    into[e] = into[e] < other[e] ? other[e] : into[e];
}

/// Highest command number a granule can hold; then the shadow starts anew.
constexpr uint32_t maxEpoch = (1u << 30) - 1;

/// Most commands one engine may run in a dispatch: a bound on the judge's own memory.
constexpr uint64_t maxCommands = uint64_t(1) << 24;

/// An earlier access that is not ordered before this one.
struct Conflict {
  uint64_t address = 0;
  target::Engine engine = target::Engine::Load;
  uint32_t epoch = 0; ///< Number of the other command, from 1.
  bool otherWrote = false;
};

class Shadow {
public:
  /// Nothing valid, nobody has touched anything. Granules are 1 << shift bytes.
  void reset(uint64_t bytes, unsigned shift);
  uint64_t size() const { return bytes; }

  void setValid(uint64_t start, uint64_t count);
  void clearValid();
  /// The first byte of the range that holds nothing, or start + count.
  uint64_t firstInvalid(uint64_t start, uint64_t count) const;

  /// Forgets who touched what; epochs may start from 1 again.
  void forgetAccesses();
  /// Records a command's access; false, with the conflict, where it is not ordered. `clock` is what
  /// happened before the command, the command itself included as `clock[engine]`.
  bool read(uint64_t start, uint64_t count, target::Engine engine, const Clock &clock,
            Conflict &conflict);
  bool write(uint64_t start, uint64_t count, target::Engine engine, const Clock &clock,
             Conflict &conflict);

private:
  bool findWriter(uint64_t first, uint64_t last, const Clock &clock, Conflict &conflict) const;
  bool findReader(uint64_t first, uint64_t last, const Clock &clock, Conflict &conflict) const;

  uint64_t bytes = 0;
  unsigned shift = 4;
  std::vector<uint64_t> valid;                                 ///< One bit a byte.
  std::vector<uint32_t> writer;                                ///< epoch << 2 | engine; 0: none.
  std::array<std::vector<uint32_t>, target::kEngines> readers; ///< Epochs since the last write.
};

} // namespace llmc::rnpu
