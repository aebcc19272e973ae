#include "targets/Reference/WeightMatrix.h"

#include <algorithm>

namespace llmc::target {

WeightRows WeightMatrix::view() const { return view(0, rows); }

WeightRows WeightMatrix::view(uint32_t first, uint32_t count) const {
  const size_t group = size_t(first) * groups();
  WeightRows result;
  result.format = format;
  result.rows = count;
  result.columns = columns;
  result.elements = elements.data() + size_t(first) * columns;
  result.rowScales = rowScales.data() + first;
  result.multipliers = multipliers.data() + group;
  result.halfScales = halfScales.data() + group;
  result.groupScales = groupScales.data() + group;
  return result;
}

WeightMatrix randomWeights(const WeightFormat &format, uint32_t rows, uint32_t columns,
                           Random &random) {
  WeightMatrix weights{format, rows, columns, {}, {}, {}, {}, {}};
  const bool bytes = format.element == ElementType::I8;
  for (size_t i = 0; i < size_t(rows) * columns; ++i)
    weights.elements.push_back(
        int8_t(bytes ? int(random.below(256)) - 128 : int(random.below(16)) - 8));
  std::fill_n(weights.elements.begin(), rows ? columns : 0, int8_t(bytes ? -128 : -8));
  const size_t groups = weights.groups();
  for (size_t i = 0; i < rows * groups; ++i) {
    weights.multipliers.push_back(uint8_t(1 + random.below(16)));
    weights.groupScales.push_back(random.value());
    weights.halfScales.push_back(uint16_t(random.below(0x4000)));
  }
  std::fill_n(weights.multipliers.begin(), rows ? groups : 0, uint8_t(16));
  for (uint32_t i = 0; i < rows; ++i)
    weights.rowScales.push_back(random.value());
  return weights;
}

} // namespace llmc::target
