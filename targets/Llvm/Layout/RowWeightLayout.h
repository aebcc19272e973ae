// Packed weights row by row, of small CPUs and of instructions that a table describes.
// docs/format/row-weights.md describes them byte by byte.
//
// A row is read from its start to its end by one kernel that sums along it, so that a core with
// neither vectors nor a cache reads flash in one direction only.
#pragma once

#include "targets/Interface/Target.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llmc::target {

struct RowWeightLayout {
  static constexpr uint32_t unit = 32;      ///< Columns are padded to a multiple of this.
  static constexpr uint32_t halfUnit = 16;  ///< The low nibbles of a unit, or the high ones.
  static constexpr uint32_t alignment = 16; ///< Of a row.

  WeightFormat format;
  uint32_t columns = 0, paddedColumns = 0;
  uint32_t groupSize = 0, groups = 0;   ///< One group of all padded columns where there are none.
  uint64_t multipliers = 0, scales = 0; ///< Offsets in a row; the elements come first.
  uint64_t rowBytes = 0;

  /// Errors: no such format, no columns, more than 131,072 columns, groups that are neither 16 nor
  /// a multiple of 32 columns.
  static std::optional<RowWeightLayout> of(const WeightFormat &format, uint32_t columns,
                                           std::string &error);

  uint64_t bytes(uint32_t rows) const { return rows * rowBytes; }
  uint32_t unitBytes() const { return format.element == ElementType::I8 ? unit : unit / 2; }
  bool hasMultipliers() const { return format.scale == ScaleKind::MultiplierF32Row; }
  /// Scales belong to groups, not to rows.
  bool scaledByGroup() const {
    return format.scale == ScaleKind::F16Group || format.scale == ScaleKind::F32Group;
  }
  uint32_t scaleBytes() const { return format.scale == ScaleKind::F16Group ? 2 : 4; }
};

/// Appends layout.bytes(rows.rows) bytes.
void packRows(const RowWeightLayout &layout, const WeightRows &rows, std::vector<uint8_t> &out);

/// int8 activations of several rows one after the other, padded with zeros to whole units.
inline uint64_t packedRowBytes(const PackRows &pack) {
  const uint64_t padded =
      (uint64_t(pack.columns) + RowWeightLayout::unit - 1) / RowWeightLayout::unit;
  return uint64_t(pack.tokens.value) * pack.subRows * padded * RowWeightLayout::unit;
}

} // namespace llmc::target
