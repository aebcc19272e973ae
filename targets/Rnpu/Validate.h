// The rules every rnpu program keeps, whatever the machine. encode, decode and assemble all refuse
// what breaks one.
//
// (R1) Engine and work agree: Load and Store run Dma, Tensor runs MatmulCommand, Vector runs
// ChainCommand. (R2) At most three waits, each for a different engine, none for the command's own.
// (R3) perTrip and tripStride are 0 outside the body. A body exists exactly where trips > 0.
// (R4) An argument index is below `arguments`; an extent's value is at least its argument's maximum
// (times runUnit for a
//      run); a stride without argument is 0.
// (R5) Load copies from an off-chip space to Sram, Store from Sram to State, Io or Scratch. Only
// Load gathers, by ids in
//      space Ids at a multiple of 4.
// (R6) Kernel operands lie in Sram, are aligned to their element (packed tiles: 16), and
//      what the extents' maxima can touch lies within `bytes`; the worst-case end of everything in
//      Sram is <= sramBytes.
// (R7) Matmul: operand types and format are those of its kind; n and k of Linear are numbers, k <=
// 131072; the packed
//      tile has exactly its size. AScale of Scores and Values, and fields that a kind does not use,
//      are defaults.
// (R8) Chain: 1 ... 255 steps over earlier results of the right kind, operand types fitting the
// step, the last of
//      them a store; visible-column steps need a position argument. Fields that a step does not use
//      are 0.
// (R9) Addresses stay below 2^48. Floats are finite. Names are printable ASCII without '"' and '\'.
#pragma once

#include "targets/Interface/Program.h"

#include <optional>
#include <string>
#include <vector>

namespace llmc::rnpu {

/// Largest K of an exact int32 sum.
constexpr uint32_t maxLinearDepth = 131072;
constexpr uint32_t maxArguments = 254;
constexpr uint64_t addressLimit = uint64_t(1) << 48;

/// The first broken rule ("prologue, command 3 (tensor, id 7): ..."), or nothing.
std::optional<std::string> validate(const target::Program &program);

} // namespace llmc::rnpu
