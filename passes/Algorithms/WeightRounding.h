// Rounding of float weights to the formats of docs/numerics.md, to nearest, symmetric.
#pragma once

#include "passes/Algorithms/WeightFormat.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llmc::passes {

/// How floats are stored. Every one widens to fp32 exactly, which is what everybody computes with.
enum class FloatStorage : uint8_t { F32, F16, Bf16 };

/// A [rows, columns] view of weights; offset and strides count elements. A row is an output.
struct WeightView {
  const void *base = nullptr;
  int64_t offset = 0;
  int64_t rowStride = 0;
  int64_t columnStride = 1;
  uint32_t rows = 0;
  uint32_t columns = 0;
  FloatStorage storage = FloatStorage::F32;
};

/// The rows of a view as consecutive fp32 numbers. Rows asked for in ascending order are gathered
/// several at a time, so that a view whose rows are the fast axis is read along it.
class RowReader {
public:
  explicit RowReader(const WeightView &view);
  /// `columns` numbers, valid until the next call.
  const float *row(uint32_t index);

private:
  void gather(uint32_t count);
  template <class Stored> void gatherAs(const Stored *base, uint32_t count);

  WeightView view;
  std::vector<float> rows;
  uint32_t first = 0, last = 0; ///< Rows at hand.
};

struct RoundingCounters {
  uint64_t zeroGroups = 0;      ///< All weights below 2^-60: scale 1 (or multiplier 1), elements 0.
  uint64_t zeroScales = 0;      ///< The fp16 scale rounded to 0: scale 1, elements 0.
  uint64_t subnormalScales = 0; ///< fp16 scales below 2^-14; they decode exactly.
  uint64_t clampedElements = 0; ///< Elements beyond the grid's end before clamping.
};

struct RoundedWeights {
  WeightFormat format;
  uint32_t rows = 0;
  uint32_t columns = 0;
  std::vector<int8_t> elements;     ///< [rows, columns], one to a byte.
  std::vector<float> scales;        ///< fp32: [rows, groups], or [rows] with multipliers.
  std::vector<uint16_t> halfScales; ///< fp16 bits: [rows, groups].
  std::vector<uint8_t> multipliers; ///< 1 ... 16: [rows, groups].
  RoundingCounters counters;
};

struct RoundingError {
  std::string message;
  uint32_t row = 0;
  uint32_t column = 0; ///< Of the weight, or of the first weight of the group.
};

/// Formats: w8, w4-gN, w4-mN. Fails at the first NaN or infinity, at an fp16 scale that overflows
/// and for a format that rounding is not defined for; `result` is then unspecified.
std::optional<RoundingError> roundWeights(const WeightView &view, const WeightFormat &format,
                                          RoundedWeights &result);

/// q, or m*q: the int8 row of a format that decodes to int8.
void decodeRowToInt8(const RoundedWeights &weights, uint32_t row, int8_t *out);

/// fl(q * s), or fl(fl(m*q) * r): the numbers the row stands for.
void decodeRow(const RoundedWeights &weights, uint32_t row, float *out);

/// Two's complement nibbles, the even index low. The last high nibble of an odd count is 0.
void packNibbles(const int8_t *elements, size_t count, uint8_t *bytes);
void unpackNibbles(const uint8_t *bytes, size_t count, int8_t *elements);

/// Multipliers 1 ... 16 as nibbles m-1, the even index low.
void packMultipliers(const uint8_t *multipliers, size_t count, uint8_t *bytes);
void unpackMultipliers(const uint8_t *bytes, size_t count, uint8_t *multipliers);

} // namespace llmc::passes
