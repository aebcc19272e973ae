// Float weights as the model stores them, read as fp32.
#pragma once

#include <cstdint>

namespace llmc::evaluate {

/// How a model stores floats; kernels compute with them as fp32, to which all widen exactly.
enum class FloatStorage : uint8_t { F32, F16, Bf16 };

/// A [rows, columns] view of floats; strides count elements. A row is an output.
struct FloatMatrix {
  const void *base;
  int64_t rowStride;
  int64_t columnStride;
  uint32_t rows;
  uint32_t columns;
  FloatStorage storage = FloatStorage::F32;

  float at(uint32_t row, uint32_t column) const;
  /// Rows `first ... first + count` as [columns][stripeWidth], zero beyond them.
  void packRows(uint32_t first, uint32_t count, float *packed) const;
};

} // namespace llmc::evaluate
