// Unpacking of weight tiles.
#include "targets/Rnpu/WeightTile.h"

#include "runtime/base/numerics.h"
#include "targets/Interface/RowRecords.h"

#include <algorithm>
#include <cstring>

namespace llmc::rnpu {

using namespace target;

namespace {

/// Sign-extends both nibbles of every byte.
void unpackNibbles(const uint8_t *in, uint32_t count, int8_t *out) {
  uint32_t pairs = count / 2;
  for (uint32_t i = 0; i < pairs; ++i) {
    out[2 * i] = int8_t(int8_t(uint8_t(in[i] << 4)) >> 4);
    out[2 * i + 1] = int8_t(int8_t(in[i]) >> 4);
  }
  if (count % 2)
    out[count - 1] = int8_t(int8_t(uint8_t(in[pairs] << 4)) >> 4);
}

void multiplyGroups(const TileLayout &layout, const uint8_t *multipliers, int8_t *out) {
  uint32_t groupSize = layout.record.groupSize;
  for (uint32_t g = 0; g < layout.record.groups; ++g) {
    int m = (multipliers[g / 2] >> (g % 2 * 4) & 15) + 1;
    uint32_t begin = g * groupSize;
    uint32_t size = std::min(groupSize, layout.columns - begin);
    for (uint32_t i = 0; i < size; ++i)
      out[begin + i] = int8_t(out[begin + i] * m);
  }
}

} // namespace

TileLayout::TileLayout(const WeightFormat &format, uint32_t rows, uint32_t columns)
    : format(format), rows(rows), columns(columns), record(rowRecord(format, columns)),
      bytes(rowRecordsBytes(format, rows, columns)) {}

void unpackRow(const TileLayout &layout, const uint8_t *tile, uint32_t row, int8_t *out) {
  const uint8_t *in = tile + row * layout.record.bytes;
  if (layout.format.element == ElementType::I4)
    unpackNibbles(in, layout.columns, out);
  else
    std::memcpy(out, in, layout.columns);
  if (layout.record.multiplierBytes)
    multiplyGroups(layout, in + layout.record.multipliers, out);
}

float rowScale(const TileLayout &layout, const uint8_t *tile, uint32_t row) {
  float scale;
  std::memcpy(&scale, tile + row * layout.record.bytes + layout.record.scales, sizeof scale);
  return scale;
}

float groupScale(const TileLayout &layout, const uint8_t *tile, uint32_t row, uint32_t group) {
  const uint8_t *scales = tile + row * layout.record.bytes + layout.record.scales;
  if (layout.format.scale == ScaleKind::F32Group) {
    float scale;
    std::memcpy(&scale, scales + uint64_t(group) * 4, sizeof scale);
    return scale;
  }
  uint16_t half;
  std::memcpy(&half, scales + uint64_t(group) * 2, sizeof half);
  return llmc_f16_bits_to_f32(half);
}

} // namespace llmc::rnpu
