// How weights of linear layers lie in memory: a row is its elements, its multipliers and its scale,
// in words of four bytes, and the words of 16 rows lie side by side, so that one of each row
// arrives at once. Rows that a matrix does not have are zeros.
#pragma once

#include "llmc/target_plugin.h"

namespace brook {
constexpr uint32_t panelRows = 16;

class PanelLayout {
public:
  PanelLayout(const llmc_weight_format &format, uint32_t columns)
      : columns(columns), bits(format.element == LLMC_ELEMENT_I4 ? 4 : 8),
        group(format.group && format.group < columns ? format.group : columns + !columns),
        groups(format.scale == LLMC_SCALE_MULTIPLIER_F32_ROW ? (columns + group - 1) / group : 0),
        multipliers((columns * bits + 7) / 8), scale((multipliers + (groups + 1) / 2 + 3) / 4 * 4) {
  }

  uint64_t bytesOf(uint32_t rows) const {
    return uint64_t(rows + panelRows - 1) / panelRows * panelRows * (scale + 4);
  }

  /// Writes bytesOf(rows).
  void pack(const llmc_weights &weights, uint8_t *out) const {
    memset(out, 0, bytesOf(weights.shape.rows));
    for (uint32_t row = 0; row < weights.shape.rows; ++row) {
      const int8_t *elements = weights.elements + uint64_t(row) * columns;
      const uint8_t *factors = weights.multipliers + uint64_t(row) * groups;
      for (uint32_t c = 0; c < columns; ++c)
        out[at(row, c * bits / 8)] |=
            uint8_t(bits == 8 ? elements[c] : (elements[c] & 15) << c % 2 * 4);
      for (uint32_t g = 0; g < groups; ++g)
        out[at(row, multipliers + g / 2)] |= uint8_t((factors[g] - 1) << g % 2 * 4);
      memcpy(out + at(row, scale), weights.row_scales + row, 4);
    }
  }

  /// The integers of a row, multiplied by their multipliers. Returns its scale.
  float unpack(const uint8_t *panels, uint32_t row, int8_t *elements) const {
    for (uint32_t c = 0; c < columns; ++c) {
      const uint8_t byte = panels[at(row, c * bits / 8)];
      const int element = bits == 8 ? int8_t(byte) : ((byte >> c % 2 * 4 & 15) ^ 8) - 8;
      const uint32_t g = c / group;
      const int less = groups ? panels[at(row, multipliers + g / 2)] >> g % 2 * 4 & 15 : 0;
      elements[c] = int8_t(element * (less + 1));
    }
    float result;
    memcpy(&result, panels + at(row, scale), 4);
    return result;
  }

private:
  /// Of a byte of a row.
  uint64_t at(uint32_t row, uint32_t byte) const {
    return bytesOf(row / panelRows * panelRows) + (byte / 4 * panelRows + row % panelRows) * 4 +
           byte % 4;
  }

  uint32_t columns, bits, group, groups; ///< Of an element; of multipliers: columns, and how many.
  uint32_t multipliers, scale;           ///< Offsets in a row.
};
} // namespace brook
