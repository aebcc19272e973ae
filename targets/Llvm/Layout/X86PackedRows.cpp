#include "targets/Llvm/Layout/X86PackedRows.h"

namespace llmc::target {

X86PackedRows X86PackedRows::of(const IsaTable &isa, uint32_t columns, uint32_t group) {
  X86PackedRows rows;
  // Tiles sum over 64 columns at once, more than a group that is scaled alone.
  const bool one = group == 0 || group >= columns;
  rows.tiles = isa.dot == DotKind::Tdpbsud && one;
  rows.panelRows = rows.tiles ? 16 : 8;
  rows.paddedColumns = (columns + 63) / 64 * 64;
  rows.groupSize = one ? rows.paddedColumns : group;
  rows.groups = one ? 1 : (columns - 1) / group + 1;
  rows.sums = uint64_t(rows.paddedColumns) * rows.panelRows;
  rows.panelBytes = rows.sums + (uint64_t(rows.groups) * rows.panelRows * 4 + 63) / 64 * 64;
  return rows;
}

uint64_t packedRowsBytes(const IsaTable &isa, const PackRows &pack) {
  return X86PackedRows::of(isa, pack.columns, pack.group)
      .bytes(uint64_t(pack.tokens.value) * pack.subRows);
}

} // namespace llmc::target
