// int8 activations as kernels for many rows read them, written once per chunk by a PackRows kernel.
//
// Panels of `panelRows` rows. In a panel the columns come first, padded with zeros to a multiple of
// 64: [K/4][8][4] for vectors, [K/64][16][64] for AMX tiles. Then, int32, the sum of each row over
// each group of columns: [groups][panelRows].
#pragma once

#include "targets/Interface/IsaTable.h"
#include "targets/Interface/Kernel.h"

#include <cstdint>

namespace llmc::target {

struct X86PackedRows {
  bool tiles = false;
  uint32_t panelRows = 0, paddedColumns = 0;
  uint32_t groupSize = 0, groups = 0; ///< One group of all columns where `group` was 0.
  uint64_t sums = 0;                  ///< Offset in a panel.
  uint64_t panelBytes = 0;            ///< A multiple of 64.

  static X86PackedRows of(const IsaTable &isa, uint32_t columns, uint32_t group);
  uint64_t bytes(uint64_t rows) const { return (rows + panelRows - 1) / panelRows * panelBytes; }
};

/// Bytes of the packed operand on this instruction set.
uint64_t packedRowsBytes(const IsaTable &isa, const PackRows &pack);

} // namespace llmc::target
