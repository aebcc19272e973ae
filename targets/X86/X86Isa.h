// The instruction sets of x86-64 that llmc generates code for.
#pragma once

#include "targets/Interface/IsaTable.h"

namespace llmc::target {

/// The variants of x86-64, by what a machine must have: AVX2 with F16C; AVX-512 F/BW/VL/DQ/VNNI;
/// the same with AMX-INT8.
const IsaTable &x86Avx2();
const IsaTable &x86Avx512();
const IsaTable &x86Amx();

} // namespace llmc::target
