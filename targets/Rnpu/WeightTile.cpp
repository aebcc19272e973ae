// Packing and unpacking of weight tiles.
#include "targets/Rnpu/WeightTile.h"

#include "runtime/base/numerics.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace llmc::rnpu {

using namespace target;

namespace {

void packNibbles(const int8_t *values, uint32_t count, uint8_t *out) {
  for (uint32_t i = 0; i < count; ++i)
    out[i / 2] |= uint8_t((values[i] & 15) << (i % 2 * 4));
}

void packMultipliers(const uint8_t *multipliers, uint32_t groups, uint8_t *out) {
  for (uint32_t g = 0; g < groups; ++g) {
    assert(multipliers[g] >= 1 && multipliers[g] <= 16);
    out[g / 2] |= uint8_t((multipliers[g] - 1) << (g % 2 * 4));
  }
}

/// The scales of one row, as they are stored.
const void *scalesOf(const WeightRows &rows, uint32_t row, uint32_t groups) {
  switch (rows.format.scale) {
  case ScaleKind::F16Group:
    return rows.halfScales + uint64_t(row) * groups;
  case ScaleKind::F32Group:
    return rows.groupScales + uint64_t(row) * groups;
  default:
    return rows.rowScales + row;
  }
}

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
      bytes(rows * record.bytes) {}

void packTile(const WeightRows &rows, std::vector<uint8_t> &out) {
  TileLayout layout(rows.format, rows.rows, rows.columns);
  const RowRecord &record = layout.record;
  size_t start = out.size();
  out.resize(start + layout.bytes, 0);
  for (uint32_t row = 0; row < rows.rows; ++row) {
    uint8_t *to = out.data() + start + row * record.bytes;
    const int8_t *elements = rows.elements + uint64_t(row) * rows.columns;
    if (rows.format.element == ElementType::I4)
      packNibbles(elements, rows.columns, to);
    else
      std::memcpy(to, elements, rows.columns);
    if (record.multiplierBytes)
      packMultipliers(rows.multipliers + uint64_t(row) * record.groups, record.groups,
                      to + record.multipliers);
    std::memcpy(to + record.scales, scalesOf(rows, row, record.groups), record.scaleBytes);
  }
}

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
