// Instruction sets of microcontrollers. A machine description names one by its `isa`.
#pragma once

#include "targets/Interface/IsaTable.h"

#include <array>

namespace llmc::target {

/// Cortex-M55: Helium with floats. Its float vectors flush subnormals, which no result depends on
/// (docs/numerics.md).
const IsaTable &mcuHelium();
/// Cortex-M3 and above, without floating point.
const IsaTable &mcuThumb();
/// RV32IMC, without floating point.
const IsaTable &mcuRiscv();

inline std::array<const IsaTable *, 3> mcuInstructionSets() {
  return {&mcuHelium(), &mcuThumb(), &mcuRiscv()};
}

} // namespace llmc::target
