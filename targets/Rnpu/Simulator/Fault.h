// What the judge reports: the first thing a program did that no program may do.
#pragma once

#include "targets/Interface/Program.h"

#include <cstdint>
#include <string>

namespace llmc::rnpu {

enum class FaultKind : uint8_t {
  BadProgram,    ///< Structure: engine and work disagree, an index points nowhere.
  BadBinding,    ///< A span or argument count that the program does not match.
  Argument,      ///< An argument, or an extent made from it, above its declared maximum.
  OutOfBounds,   ///< Beyond a space, or beyond the bytes an operand declares.
  ReadOnly,      ///< A write to Weights or Ids.
  Misaligned,    ///< Against the memory's alignment, or the element's.
  Shape,         ///< Sizes, types or directions the machine does not do.
  Uninitialized, ///< A read of bytes nothing wrote.
  Race,          ///< Two accesses, one a write, that no semaphore orders.
  Gather,        ///< An id at or beyond its bound.
  Overflow,      ///< A dot product beyond int32.
  WeightTile,    ///< A packed tile whose size or padding is not its format's.
  Deadlock,      ///< Every engine with work left waits.
};

const char *nameOf(FaultKind kind);

/// `address` and `limit` are bytes within `space`, where the kind has any.
struct Fault {
  FaultKind kind = FaultKind::BadProgram;
  std::string entry;
  target::Engine engine = target::Engine::Load;
  uint64_t index = 0; ///< In the engine's list, trips counted.
  uint32_t id = 0, trip = 0;
  target::Space space = target::Space::Sram;
  uint64_t address = 0, limit = 0;
  std::string message; ///< Everything above as one sentence.
};

} // namespace llmc::rnpu
