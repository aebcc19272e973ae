// What a host does with a plan that open accepted: everything that it offers, on exactly the memory
// it states.
#pragma once

#include <span>

#include "runtime/plan/plan.h"

namespace llmc::fuzz {

/// Opens `bytes` in place, from a copy at an odd address and by reads into memory of exactly the
/// size asked for; all three must agree with each other and with the flatbuffers library.
/// Everything that can be asked of an accepted plan is asked. Returns what open said.
rt::Status openEveryWay(std::span<const uint8_t> bytes);

/// What running a plan came to.
struct RunSummary {
  uint32_t entries = 0;    // run to their end, with any parameters
  uint64_t dispatches = 0; // copies counted in
};

/// Opens `bytes`, binds them to memory of exactly the sizes stated and runs every entry at the
/// edges of its parameters, on a device that touches every byte it was promised. Ends the process
/// where an operand leaves its region.
RunSummary runEverything(std::span<const uint8_t> bytes);

} // namespace llmc::fuzz
