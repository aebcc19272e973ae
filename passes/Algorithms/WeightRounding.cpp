#include "passes/Algorithms/WeightRounding.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace llmc::passes {
namespace {

/// Below this a row or group counts as all-zero.
constexpr float zeroBelow = 0x1p-60f;

/// Round to nearest even of a value within +-2^22, as an int.
inline int roundNear(float x) {
  return static_cast<int>(std::bit_cast<uint32_t>(x + 12582912.0f)) - 0x4b400000;
}

inline float clampTo(float x, float low, float high) { return std::min(std::max(x, low), high); }

/// IEEE binary16 bits of a positive finite float, subnormals included; 0x7c00 on overflow.
uint16_t halfBits(float x) {
  int exponent = 0;
  std::frexp(x, &exponent); // x in [2^(exponent-1), 2^exponent)
  const int binade = std::max(exponent - 1, -14);
  // A count of quanta of the binade; 2048 of them carry into the next binade by themselves.
  const int quanta = roundNear(static_cast<float>(std::ldexp(static_cast<double>(x), 10 - binade)));
  return binade > 15 ? 0x7c00 : static_cast<uint16_t>(((binade + 14) << 10) + quanta);
}

/// Any binary16; without branches, since weights are read with it.
inline float halfValue(uint16_t bits) {
  const uint32_t magnitude = bits & 0x7fffu;
  const uint32_t special = magnitude >= 0x7c00u ? 0x7f800000u : 0u;
  // The exponent moves to the place of fp32's, and the product sets its bias, subnormals included.
  const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(value) | special |
                              static_cast<uint32_t>(bits & 0x8000u) << 16);
}

float largestMagnitude(const float *w, size_t count) {
  uint32_t most = 0;
  for (size_t i = 0; i < count; ++i)
    most = std::max(most, std::bit_cast<uint32_t>(w[i]) & 0x7fffffffu);
  return std::bit_cast<float>(most);
}

/// One row on its way into `result`. Everything is fp32 with one IEEE division per weight.
struct RowRounder {
  RoundedWeights &result;
  const float *row = nullptr; ///< The row, contiguous.
  uint32_t index = 0;

  uint32_t block() const { return result.format.block ? result.format.block : result.columns; }
  uint32_t groups() const { return result.format.groups(result.columns); }
  uint32_t first(uint32_t group) const { return group * block(); }
  uint32_t count(uint32_t group) const { return std::min(block(), result.columns - first(group)); }
  int8_t *elements(uint32_t group) const {
    return result.elements.data() + size_t{index} * result.columns + first(group);
  }

  void roundGroup(uint32_t group, float scale, float low, float high);
  void roundPerRow();
  std::optional<RoundingError> roundHalfScales();
  void roundMultipliers();
  int chooseMultiplier(uint32_t group, float groupScale, float rowScale) const;
  double errorOf(uint32_t group, float step) const;
};

void RowRounder::roundGroup(uint32_t group, float scale, float low, float high) {
  const float *w = row + first(group);
  int8_t *q = elements(group);
  uint32_t clamped = 0;
  for (uint32_t i = 0, n = count(group); i < n; ++i) {
    const float quotient = w[i] / scale;
    const float inside = clampTo(quotient, low, high);
    // Half a step beyond the end still rounds to the end: that is no clamping.
    clamped += quotient > high + 0.5f || quotient < low - 0.5f;
    q[i] = static_cast<int8_t>(roundNear(inside));
  }
  result.counters.clampedElements += clamped;
}

void RowRounder::roundPerRow() {
  const float most = largestMagnitude(row, result.columns);
  const bool zero = most < zeroBelow;
  const float scale = zero ? 1.0f : most / 127.0f;
  result.scales[index] = scale;
  result.counters.zeroGroups += zero;
  if (!zero)
    roundGroup(0, scale, -127.0f, 127.0f);
}

std::optional<RoundingError> RowRounder::roundHalfScales() {
  for (uint32_t group = 0; group < groups(); ++group) {
    const float most = largestMagnitude(row + first(group), count(group));
    uint16_t bits = 0;
    if (most < zeroBelow) {
      ++result.counters.zeroGroups;
    } else {
      bits = halfBits(most / 7.0f);
      if (bits >= 0x7c00)
        return RoundingError{"the scale max|w|/7 of the group at row " + std::to_string(index) +
                                 ", column " + std::to_string(first(group)) +
                                 " exceeds fp16 (65504); use a format with fp32 scales",
                             index, first(group)};
      result.counters.zeroScales += bits == 0;
      result.counters.subnormalScales += bits != 0 && bits < 0x400;
    }
    if (bits != 0)
      roundGroup(group, halfValue(bits), -8.0f, 7.0f);
    result.halfScales[size_t{index} * groups() + group] = bits ? bits : 0x3c00;
  }
  return std::nullopt;
}

double RowRounder::errorOf(uint32_t group, float step) const {
  const float *w = row + first(group);
  double sum = 0;
  for (uint32_t i = 0, n = count(group); i < n; ++i) {
    const int q = roundNear(clampTo(w[i] / step, -8.0f, 7.0f));
    const float difference = static_cast<float>(q) * step - w[i];
    sum += static_cast<double>(difference) * static_cast<double>(difference);
  }
  return sum;
}

int RowRounder::chooseMultiplier(uint32_t group, float groupScale, float rowScale) const {
  const float ratio = groupScale / rowScale;
  const int nearest = std::clamp(roundNear(ratio), 1, 16);
  const int above = std::clamp(static_cast<int>(std::ceil(ratio)), 1, 16);
  if (nearest == above)
    return nearest;
  const double nearestError = errorOf(group, rowScale * static_cast<float>(nearest));
  const double aboveError = errorOf(group, rowScale * static_cast<float>(above));
  return aboveError < nearestError ? above : nearest;
}

void RowRounder::roundMultipliers() {
  std::vector<float> groupScales(groups(), 0.0f);
  float most = 0;
  for (uint32_t group = 0; group < groups(); ++group) {
    const float magnitude = largestMagnitude(row + first(group), count(group));
    if (magnitude < zeroBelow) {
      ++result.counters.zeroGroups;
      continue;
    }
    groupScales[group] = magnitude / 7.0f;
    most = std::max(most, groupScales[group]);
  }
  const float rowScale = most == 0 ? 1.0f : most / 16.0f;
  result.scales[index] = rowScale;
  for (uint32_t group = 0; group < groups(); ++group) {
    uint8_t &multiplier = result.multipliers[size_t{index} * groups() + group];
    multiplier = 1;
    if (groupScales[group] == 0)
      continue;
    multiplier = static_cast<uint8_t>(chooseMultiplier(group, groupScales[group], rowScale));
    roundGroup(group, rowScale * static_cast<float>(multiplier), -8.0f, 7.0f);
  }
}

/// Rows gathered at once.
constexpr uint32_t gatheredRows = 16;

bool readsInPlace(const WeightView &view) {
  return view.columnStride == 1 && view.storage == FloatStorage::F32;
}

// Floats as stored.
struct Single {
  float stored;
  float value() const { return stored; }
};
struct Half {
  uint16_t stored;
  float value() const { return halfValue(stored); }
};
struct Brain {
  uint16_t stored;
  float value() const { return std::bit_cast<float>(uint32_t{stored} << 16); }
};

std::optional<RoundingError> findNonFinite(const float *row, uint32_t index, uint32_t columns) {
  if (std::isfinite(largestMagnitude(row, columns)))
    return std::nullopt;
  for (uint32_t k = 0; k < columns; ++k)
    if (!std::isfinite(row[k]))
      return RoundingError{std::string("the weight at row ") + std::to_string(index) + ", column " +
                               std::to_string(k) + " is " +
                               (std::isnan(row[k]) ? "NaN" : "infinite") +
                               "; weights must be finite",
                           index, k};
  return std::nullopt;
}

enum class Method { PerRow, HalfScales, Multipliers };

std::optional<Method> methodOf(const WeightFormat &format) {
  if (format == WeightFormat{WeightElement::I8, 0, WeightScale::F32})
    return Method::PerRow;
  if (format.element != WeightElement::I4 || format.block == 0)
    return std::nullopt;
  if (format.scale == WeightScale::F16)
    return Method::HalfScales;
  if (format.scale == WeightScale::IntMultiplierTimesRow)
    return Method::Multipliers;
  return std::nullopt;
}

void allocate(RoundedWeights &result, Method method) {
  const size_t scales = size_t{result.rows} * result.format.groups(result.columns);
  result.elements.assign(size_t{result.rows} * result.columns, 0);
  if (method == Method::HalfScales)
    result.halfScales.assign(scales, 0);
  else
    result.scales.assign(result.rows, 0.0f);
  if (method == Method::Multipliers)
    result.multipliers.assign(scales, 0);
}

} // namespace

RowReader::RowReader(const WeightView &view) : view(view) {
  if (!readsInPlace(view))
    rows.resize(size_t{gatheredRows} * view.columns);
}

const float *RowReader::row(uint32_t index) {
  if (readsInPlace(view))
    return static_cast<const float *>(view.base) + view.offset + int64_t{index} * view.rowStride;
  if (index < first || index >= last) {
    first = index;
    last = index + std::min(gatheredRows, view.rows - index);
    gather(last - first);
  }
  return rows.data() + size_t{index - first} * view.columns;
}

template <class Stored> void RowReader::gatherAs(const Stored *base, uint32_t count) {
  base += view.offset + int64_t{first} * view.rowStride;
  if (view.columnStride == 1) {
    for (uint32_t r = 0; r < count; ++r)
      for (uint32_t k = 0; k < view.columns; ++k)
        rows[size_t{r} * view.columns + k] = base[r * view.rowStride + k].value();
    return;
  }
  for (uint32_t k = 0; k < view.columns; ++k)
    for (uint32_t r = 0; r < count; ++r)
      rows[size_t{r} * view.columns + k] = base[r * view.rowStride + k * view.columnStride].value();
}

void RowReader::gather(uint32_t count) {
  switch (view.storage) {
  case FloatStorage::F32:
    return gatherAs(static_cast<const Single *>(view.base), count);
  case FloatStorage::F16:
    return gatherAs(static_cast<const Half *>(view.base), count);
  case FloatStorage::Bf16:
    return gatherAs(static_cast<const Brain *>(view.base), count);
  }
}

std::optional<RoundingError> roundWeights(const WeightView &view, const WeightFormat &format,
                                          RoundedWeights &result) {
  const std::optional<Method> method = methodOf(format);
  if (!method)
    return RoundingError{"rounding to " + printWeightFormat(format) +
                         " is not defined; formats are w8, w4-gN and w4-mN"};
  result = RoundedWeights{};
  result.format = format;
  result.rows = view.rows;
  result.columns = view.columns;
  allocate(result, *method);
  RowReader rows(view);
  for (uint32_t index = 0; index < view.rows; ++index) {
    RowRounder rounder{result, rows.row(index), index};
    std::optional<RoundingError> error = findNonFinite(rounder.row, index, view.columns);
    if (!error && *method == Method::HalfScales)
      error = rounder.roundHalfScales();
    if (error)
      return error;
    if (*method == Method::PerRow)
      rounder.roundPerRow();
    if (*method == Method::Multipliers)
      rounder.roundMultipliers();
  }
  return std::nullopt;
}

void decodeRowToInt8(const RoundedWeights &weights, uint32_t row, int8_t *out) {
  const int8_t *q = weights.elements.data() + size_t{row} * weights.columns;
  if (weights.multipliers.empty()) {
    std::copy_n(q, weights.columns, out);
    return;
  }
  const uint32_t groups = weights.format.groups(weights.columns);
  for (uint32_t k = 0; k < weights.columns; ++k)
    out[k] = static_cast<int8_t>(
        q[k] * weights.multipliers[size_t{row} * groups + k / weights.format.block]);
}

void decodeRow(const RoundedWeights &weights, uint32_t row, float *out) {
  const int8_t *q = weights.elements.data() + size_t{row} * weights.columns;
  const uint32_t groups = weights.format.groups(weights.columns);
  const uint32_t block = weights.format.block ? weights.format.block : weights.columns;
  for (uint32_t k = 0; k < weights.columns; ++k) {
    const size_t group = size_t{row} * groups + k / block;
    if (!weights.multipliers.empty())
      out[k] = static_cast<float>(q[k] * weights.multipliers[group]) * weights.scales[row];
    else
      out[k] = static_cast<float>(q[k]) * (weights.halfScales.empty()
                                               ? weights.scales[group]
                                               : halfValue(weights.halfScales[group]));
  }
}

void packNibbles(const int8_t *elements, size_t count, uint8_t *bytes) {
  for (size_t i = 0; i < count; i += 2) {
    const int high = i + 1 < count ? elements[i + 1] & 15 : 0;
    bytes[i / 2] = static_cast<uint8_t>((elements[i] & 15) | (high << 4));
  }
}

void unpackNibbles(const uint8_t *bytes, size_t count, int8_t *elements) {
  for (size_t i = 0; i < count; ++i) {
    const int nibble = (bytes[i / 2] >> (4 * (i & 1))) & 15;
    elements[i] = static_cast<int8_t>((nibble ^ 8) - 8);
  }
}

void packMultipliers(const uint8_t *multipliers, size_t count, uint8_t *bytes) {
  for (size_t i = 0; i < count; i += 2) {
    const int high = i + 1 < count ? multipliers[i + 1] - 1 : 0;
    bytes[i / 2] = static_cast<uint8_t>((multipliers[i] - 1) | (high << 4));
  }
}

void unpackMultipliers(const uint8_t *bytes, size_t count, uint8_t *multipliers) {
  for (size_t i = 0; i < count; ++i)
    multipliers[i] = static_cast<uint8_t>(((bytes[i / 2] >> (4 * (i & 1))) & 15) + 1);
}

} // namespace llmc::passes
