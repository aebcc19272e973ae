// The inner loops of the reference kernels. One source is compiled for several instruction sets;
// all give the same bytes, since every float operation and its order is fixed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace llmc::evaluate {

/// Outputs of a linear layer computed side by side, one lane each.
inline constexpr uint32_t stripeWidth = 16;
/// Positions computed side by side; the transposed keys are padded to a multiple.
inline constexpr uint32_t positionBlock = 64;

/// Where a stripe's results go: y[row * rowStride + n], n < count.
struct StripeOutput {
  float *y;
  size_t rowStride;
  uint32_t count;
  const float *bias; ///< [count], or null.
};

struct FloatStripe {
  const float *x; ///< [rows, columns] with rowStride.
  size_t rowStride;
  uint32_t rows;
  uint32_t columns;
  const float *packed; ///< [columns][stripeWidth]
};

/// A row of int8 is widened to int16 and every group padded to an even length ("pairs").
struct IntegerStripe {
  const int16_t *x; ///< [rows, 2 * pairs]
  const float *rowScales;
  uint32_t rows;
  uint32_t pairs;
  uint32_t groupPairs;   ///< Of every group but the last.
  const int16_t *packed; ///< [pairs][stripeWidth][2]
  const float *scales;   ///< [groups][stripeWidth]
};

/// Query rows of one head against one key/value head.
struct HeadAttention {
  const float *q;
  size_t qStride;
  uint32_t rows;
  uint32_t position; ///< Of the first row: row r sees positions 0 ... position + r.
  uint32_t headDim;
  const float *keys; ///< [headDim][keyStride], transposed, zero beyond the last position.
  size_t keyStride;
  const float *values; ///< [positions][valueStride], zero beyond headDim.
  size_t valueStride;  ///< A multiple of 16.
  float scale;
  bool half;     ///< The quantized recipe: weights p are f16, scaled by 2^15, cut at -20.
  float *scores; ///< Scratch, [4][keyStride].
  float *y;
  size_t yStride;
};

struct KernelLoops {
  const char *name;
  void (*packFloats)(const float *w, int64_t rowStride, int64_t columnStride, uint32_t count,
                     uint32_t columns, float *packed);
  void (*floatStripe)(const FloatStripe &in, const StripeOutput &out);
  void (*packIntegers)(const int8_t *w, size_t rowStride, uint32_t count, uint32_t columns,
                       uint32_t block, int16_t *packed);
  void (*integerStripe)(const IntegerStripe &in, const StripeOutput &out);
  /// Exact sum of products of n elements.
  int32_t (*dot)(const int8_t *x, const int8_t *w, uint32_t n);
  void (*attention)(const HeadAttention &in);
  void (*rmsNorm)(const float *x, const float *w, uint32_t n, float inverseN, float eps, float *y);
  float (*quantizeRow)(const float *x, uint32_t n, int8_t *q);
  void (*swiglu)(const float *gate, const float *up, size_t n, float *y);
  void (*roundToHalf)(const float *x, size_t n, uint16_t *y);
  void (*halfToFloat)(const uint16_t *x, size_t n, float *y);
  uint32_t (*countSaturating)(const float *x, uint32_t n);
  float (*absmax)(const float *x, uint32_t n);
};

/// The loops for the machine this runs on.
const KernelLoops &kernelLoops();
/// All loops this machine can run, the portable ones first: for tests.
size_t kernelLoopsCount();
const KernelLoops &kernelLoopsAt(size_t index);

} // namespace llmc::evaluate
