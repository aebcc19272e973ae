// Derives the waits that order engines: each runs its own commands in order, and waits for counts
// of commands that others have retired.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llmc::passes {

/// Bytes [begin, end) of the shared memory.
struct SyncAccess {
  uint64_t begin = 0, end = 0;
  bool isWrite = false;
};

struct SyncWait {
  uint32_t engine = 0;
  int64_t value = 0;   ///< Commands retired, in trip 0.
  int64_t perTrip = 0; ///< More of them for each later trip.
  bool operator==(const SyncWait &) const = default;
};

struct SyncCommand {
  uint32_t engine = 0;
  std::vector<SyncAccess> accesses;
  std::vector<SyncWait> waits; ///< The answer.
};

/// Commands in an order that is right when executed one by one; `body` runs `trips` times.
struct SyncProgram {
  uint32_t engines = 0;
  std::vector<SyncCommand> prologue, body, epilogue;
  uint32_t trips = 0;
};

/// Fills in the waits: every pair of commands of different engines that touch the same byte, one of
/// them writing, keeps its program order. The loop stays a loop: a wait inside the body is an
/// affine function of the trip. `bytes` is the size of the memory.
void synchronize(SyncProgram &program, uint64_t bytes);

/// The judge: unrolls the loop (at most `maxTrips` trips), computes happens-before by vector clocks
/// and compares every pair of accesses. One sentence for each pair that the waits do not order, and
/// for each wait for a command that comes later in program order, which might never end.
std::vector<std::string> checkSynchronization(const SyncProgram &program, uint32_t maxTrips = 4);

} // namespace llmc::passes
