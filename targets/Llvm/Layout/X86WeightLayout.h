// Packed weights of x86-64: one layout for AMX, AVX-512 and AVX2, for one row and for many.
// docs/format/x86-weights.md describes it byte by byte.
#pragma once

#include "targets/Interface/Target.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llmc::target {

struct X86WeightLayout {
  static constexpr uint32_t blockRows = 16;  ///< Outputs side by side in a vector.
  static constexpr uint32_t columnUnit = 64; ///< Columns are padded to a multiple of this.
  static constexpr uint32_t groupUnit = 8;   ///< A group of several in a row is a multiple of this.

  WeightFormat format;
  uint32_t columns = 0, paddedColumns = 0;
  uint32_t groupSize = 0,
           groups = 0; ///< One group of all padded columns where the format has no groups.
  uint64_t multipliers = 0, scales = 0; ///< Offsets in a block; the elements come first.
  uint64_t blockBytes = 0;              ///< A multiple of 64.

  /// Errors: no such format, no columns, more than 131,072 columns, a group that is no multiple
  /// of 8.
  static std::optional<X86WeightLayout> of(const WeightFormat &format, uint32_t columns,
                                           std::string &error);

  uint64_t bytes(uint32_t rows) const {
    return (uint64_t(rows) + blockRows - 1) / blockRows * blockBytes;
  }
  /// What an element's code is above its value.
  uint32_t bias() const { return format.element == ElementType::I8 ? 128 : 8; }
  /// Columns of group `index`, padding included.
  uint32_t sizeOf(uint32_t index) const;
  bool hasMultipliers() const { return format.scale == ScaleKind::MultiplierF32Row; }
  /// Scales belong to groups, not to rows.
  bool scaledByGroup() const;
  /// So an output is several integer sums, not one.
  bool sumsByGroup() const { return scaledByGroup() && groups > 1; }
};

/// Appends layout.bytes(rows.rows) bytes. Rows behind the last have zero elements and scales.
void packX86(const X86WeightLayout &layout, const WeightRows &rows, std::vector<uint8_t> &out);

/// What packX86 was given, by value.
struct UnpackedRows {
  std::vector<int8_t> elements;
  std::vector<uint8_t> multipliers;
  std::vector<float> rowScales, groupScales;
  std::vector<uint16_t> halfScales;
};
UnpackedRows unpackX86(const X86WeightLayout &layout, const uint8_t *packed, uint32_t rows);

} // namespace llmc::target
