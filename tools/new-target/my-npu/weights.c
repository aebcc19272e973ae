/* The layout of weights: packing, and what the NPU makes of packed weights. */
#include "npu.h"

#include "runtime/base/numerics.h"

static uint32_t round_up(uint32_t value, uint32_t unit) { return (value + unit - 1) / unit * unit; }

npu_layout npu_layout_of(const llmc_weight_format *format, uint32_t columns) {
  const int is_grouped = format->scale != LLMC_SCALE_F32_ROW && format->group < columns;
  npu_layout l = {.columns = columns, .group = columns, .groups = 1, .scales = 1, .scale_bytes = 4};
  if (is_grouped && format->group != 0) {
    l.group = format->group;
    l.groups = (columns + l.group - 1) / l.group;
  }
  l.bits = format->element == LLMC_ELEMENT_I4 ? 4 : 8;
  if (format->scale == LLMC_SCALE_MULTIPLIER_F32_ROW)
    l.multipliers = l.groups;
  else
    l.scales = l.groups;
  if (format->scale == LLMC_SCALE_F16_GROUP)
    l.scale_bytes = 2;
  l.multipliers_at = (columns * l.bits + 7) / 8;
  l.scales_at = round_up(l.multipliers_at + l.multipliers, 4);
  l.row_bytes = round_up(l.scales_at + l.scales * l.scale_bytes, 4);
  return l;
}

uint64_t npu_packed_bytes(const npu_layout *l, uint32_t rows) {
  return (uint64_t)round_up(rows, NPU_PANEL_ROWS) * l->row_bytes;
}

/* Where byte `at` of a row lies in packed weights. */
static uint64_t place_of(const npu_layout *l, uint32_t row, uint32_t at) {
  const uint32_t first = row / NPU_PANEL_ROWS * NPU_PANEL_ROWS;
  return npu_packed_bytes(l, first) + (at / 4 * NPU_PANEL_ROWS + row - first) * 4 + at % 4;
}

/* The scales of a row, in the bytes that they have. */
static const void *scales_of(const llmc_weights *weights, const npu_layout *l, uint32_t row) {
  if (weights->shape.format.scale == LLMC_SCALE_F16_GROUP)
    return weights->half_scales + (uint64_t)row * l->scales;
  if (weights->shape.format.scale == LLMC_SCALE_F32_GROUP)
    return weights->group_scales + (uint64_t)row * l->scales;
  return weights->row_scales + row;
}

void npu_pack(const npu_layout *l, const llmc_weights *weights, uint8_t *packed) {
  memset(packed, 0, npu_packed_bytes(l, weights->shape.rows));
  for (uint32_t row = 0; row < weights->shape.rows; ++row) {
    const int8_t *elements = weights->elements + (uint64_t)row * l->columns;
    for (uint32_t c = 0; c < l->columns; ++c) {
      const uint8_t byte = l->bits == 4 ? (elements[c] & 15) << c % 2 * 4 : elements[c];
      packed[place_of(l, row, c * l->bits / 8)] |= byte;
    }
    for (uint32_t g = 0; g < l->multipliers; ++g)
      packed[place_of(l, row, l->multipliers_at + g)] =
          weights->multipliers[(uint64_t)row * l->groups + g];
    const uint8_t *scales = scales_of(weights, l, row);
    for (uint32_t s = 0; s < l->scales; ++s)
      memcpy(packed + place_of(l, row, l->scales_at + s * l->scale_bytes),
             scales + (uint64_t)s * l->scale_bytes, l->scale_bytes);
  }
}

void npu_unpack(const npu_layout *l, const uint8_t *packed, uint32_t row, int8_t *elements) {
  for (uint32_t g = 0, c = 0; g < l->groups; ++g) {
    const int multiplier = l->multipliers ? packed[place_of(l, row, l->multipliers_at + g)] : 1;
    for (uint32_t i = 0; i < l->group && c < l->columns; ++i, ++c) {
      const uint8_t byte = packed[place_of(l, row, c * l->bits / 8)];
      const int nibble = byte >> c % 2 * 4 & 15;
      const int element = l->bits == 8 ? (int8_t)byte : (nibble ^ 8) - 8;
      elements[c] = (int8_t)(element * multiplier); /* -128 to 112 with a multiplier */
    }
  }
}

float npu_scale(const npu_layout *l, const uint8_t *packed, uint32_t row, uint32_t scale) {
  const uint8_t *at = packed + place_of(l, row, l->scales_at + scale * l->scale_bytes);
  uint16_t half;
  float result;
  if (l->scale_bytes == sizeof half) {
    memcpy(&half, at, sizeof half);
    return llmc_f16_bits_to_f32(half);
  }
  memcpy(&result, at, sizeof result);
  return result;
}
