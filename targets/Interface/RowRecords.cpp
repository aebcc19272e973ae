#include "targets/Interface/RowRecords.h"

#include <cassert>
#include <cstring>

namespace llmc::target {

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

} // namespace

uint64_t rowRecordsBytes(const WeightFormat &format, uint32_t rows, uint32_t columns) {
  return rows * rowRecord(format, columns).bytes;
}

void packRowRecords(const WeightRows &rows, std::vector<uint8_t> &out) {
  const RowRecord record = rowRecord(rows.format, rows.columns);
  size_t start = out.size();
  out.resize(start + rows.rows * record.bytes, 0);
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

uint64_t Target::packedBytes(const Machine &, const WeightFormat &format, uint32_t rows,
                             uint32_t columns) const {
  return rowRecordsBytes(format, rows, columns);
}

void Target::pack(const Machine &, const WeightRows &rows, std::vector<uint8_t> &out) const {
  packRowRecords(rows, out);
}

} // namespace llmc::target
