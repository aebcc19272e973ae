// Unpacked weights that own their memory.
#pragma once

#include "targets/Interface/Target.h"
#include "targets/Reference/Random.h"

#include <cstdint>
#include <vector>

namespace llmc::target {

struct WeightMatrix {
  WeightFormat format;
  uint32_t rows = 0, columns = 0;
  std::vector<int8_t> elements;     ///< [rows, columns]
  std::vector<uint8_t> multipliers; ///< [rows, groups()]
  std::vector<float> rowScales, groupScales;
  std::vector<uint16_t> halfScales;

  uint32_t groups() const { return rowRecord(format, columns).groups; }
  WeightRows view() const;
  /// Rows [first, first + count) of it.
  WeightRows view(uint32_t first, uint32_t count) const;
};

/// Every code of the element among them, sums of many equal signs in row 0, and the largest
/// multipliers there.
WeightMatrix randomWeights(const WeightFormat &format, uint32_t rows, uint32_t columns,
                           Random &random);

} // namespace llmc::target
