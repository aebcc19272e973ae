// The packed weight tile: consecutive row records of a matrix, each with all of K.
// target::RowRecord says where the parts of a record lie.
#pragma once

#include "targets/Interface/Target.h"

#include <cstdint>
#include <vector>

namespace llmc::rnpu {

struct TileLayout {
  target::WeightFormat format;
  uint32_t rows = 0, columns = 0;
  target::RowRecord record;
  uint64_t bytes = 0; ///< rows * record.bytes

  TileLayout(const target::WeightFormat &format, uint32_t rows, uint32_t columns);
};

/// Writes the `columns` int8 values that the integer dot product sees: q, or m*q.
void unpackRow(const TileLayout &layout, const uint8_t *tile, uint32_t row, int8_t *out);

/// The scale of a row (F32Row, MultiplierF32Row).
float rowScale(const TileLayout &layout, const uint8_t *tile, uint32_t row);

/// The scale of a row's group (F16Group, F32Group).
float groupScale(const TileLayout &layout, const uint8_t *tile, uint32_t row, uint32_t group);

} // namespace llmc::rnpu
