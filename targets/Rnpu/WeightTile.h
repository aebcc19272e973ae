// The packed weight tile: rows [0, rows) of a matrix with all of K. Shared by the packer and the
// simulator.
//
//   elements     rows x rowBytes    int8, or nibbles (even column in the low one); a row starts on
//   a byte multipliers  rows x ceil(groups/2) bytes of nibbles m-1 (MultiplierF32Row only), low
//   nibble first scales       fp32 [rows], f16 [rows, groups] or fp32 [rows, groups]
//
// Every part starts at a multiple of 16 and the tile's size is one; padding is 0.
#pragma once

#include "targets/Interface/Kernel.h"
#include "targets/Interface/Target.h"

#include <cstdint>
#include <vector>

namespace llmc::rnpu {

/// Where the parts of a tile lie. Bytes from the tile's start.
struct TileLayout {
  uint32_t rows = 0, columns = 0;
  target::WeightFormat format;
  uint32_t groups = 0;    ///< Per row; the last one may be short.
  uint32_t groupSize = 0; ///< Columns per group.
  uint64_t rowBytes = 0;
  uint64_t multiplierOffset = 0, multiplierRowBytes = 0; ///< 0 bytes where the format has none.
  uint64_t scaleOffset = 0;
  uint64_t bytes = 0;

  TileLayout(const target::WeightFormat &format, uint32_t rows, uint32_t columns);
};

/// Appends one tile of exactly TileLayout::bytes.
void packTile(const target::WeightRows &rows, std::vector<uint8_t> &out);

/// Writes the `columns` int8 values that the integer dot product sees: q, or m*q.
void unpackRow(const TileLayout &layout, const uint8_t *tile, uint32_t row, int8_t *out);

/// The scale of a row (F32Row, MultiplierF32Row).
float rowScale(const TileLayout &layout, const uint8_t *tile, uint32_t row);

/// The scale of a row's group (F16Group, F32Group).
float groupScale(const TileLayout &layout, const uint8_t *tile, uint32_t row, uint32_t group);

} // namespace llmc::rnpu
