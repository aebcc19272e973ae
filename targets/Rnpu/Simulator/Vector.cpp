// Loops the compiler vectorises; one per operation so that each inlines its element function.
#include "targets/Rnpu/Simulator/Vector.h"

#include "runtime/base/numerics.h"
#include "targets/Rnpu/Simulator/Dot.h"
#include "targets/Rnpu/Simulator/Simd.h"

#include <algorithm>
#include <cstring>

namespace llmc::rnpu {

using target::ElementType;
using target::Step;

namespace {

/// Calls with constant strides, so that each combination vectorises.
#define LLMC_BINARY(NAME, EXPR)                                                                    \
  LLMC_SIMD_CLONES void NAME(Value a, Value b, size_t count, float *out) {                         \
    if (a.stride && b.stride)                                                                      \
      for (size_t i = 0; i < count; ++i) {                                                         \
        const float x = a.data[i], y = b.data[i];                                                  \
        out[i] = EXPR;                                                                             \
      }                                                                                            \
    else if (a.stride)                                                                             \
      for (size_t i = 0; i < count; ++i) {                                                         \
        const float x = a.data[i], y = *b.data;                                                    \
        out[i] = EXPR;                                                                             \
      }                                                                                            \
    else                                                                                           \
      for (size_t i = 0; i < count; ++i) {                                                         \
        const float x = *a.data, y = b.data[i * b.stride];                                         \
        out[i] = EXPR;                                                                             \
      }                                                                                            \
  }

LLMC_BINARY(addRows, x + y)
LLMC_BINARY(subRows, x - y)
LLMC_BINARY(mulRows, x *y)
LLMC_BINARY(maxRows, x > y ? x : y)
LLMC_BINARY(minRows, x < y ? x : y)
#undef LLMC_BINARY

#define LLMC_UNARY(NAME, FUNCTION)                                                                 \
  LLMC_SIMD_CLONES void NAME(const float *x, size_t count, float *out) {                           \
    for (size_t i = 0; i < count; ++i)                                                             \
      out[i] = FUNCTION(x[i]);                                                                     \
  }

LLMC_UNARY(recipRow, llmc_recip)
LLMC_UNARY(rsqrtRow, llmc_rsqrt)
LLMC_UNARY(expRow, llmc_exp)
LLMC_UNARY(sigmoidRow, llmc_sigmoid)
LLMC_UNARY(roundRow, llmc_round_f16)
#undef LLMC_UNARY

LLMC_SIMD_CLONES size_t storeHalves(const float *x, size_t count, uint8_t *out) {
  size_t saturated = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint16_t half = llmc_f32_to_f16(x[i]);
    std::memcpy(out + 2 * i, &half, 2);
    saturated += size_t(llmc_f16_saturates(x[i]));
  }
  return saturated;
}

LLMC_SIMD_CLONES void storeBytes(const float *x, size_t count, uint8_t *out) {
  for (size_t i = 0; i < count; ++i)
    out[i] = uint8_t(llmc_quantize_i8(x[i], 1.0f));
}

LLMC_SIMD_CLONES void loadBytes(const uint8_t *in, size_t count, float *out) {
  for (size_t i = 0; i < count; ++i)
    out[i] = float(int8_t(in[i]));
}

LLMC_SIMD_CLONES float sumRow(const float *x, size_t count) {
  return llmc_sum16(x, uint32_t(count));
}

LLMC_SIMD_CLONES float absMaxRow(const float *x, size_t count) {
  return llmc_absmax(x, uint32_t(count));
}

LLMC_SIMD_CLONES float maxRow(const float *x, size_t count) { return llmc_max(x, uint32_t(count)); }

/// One nibble of a row, the low one of a byte first.
uint32_t nibble(const uint8_t *in, size_t i) { return uint32_t(in[i / 2]) >> (i % 2 * 4) & 15; }

} // namespace

void binary(Step step, Value x, Value y, size_t count, float *out) {
  switch (step) {
  case Step::Add:
    return addRows(x, y, count, out);
  case Step::Sub:
    return subRows(x, y, count, out);
  case Step::Mul:
    return mulRows(x, y, count, out);
  case Step::Max:
    return maxRows(x, y, count, out);
  default:
    return minRows(x, y, count, out);
  }
}

void unary(Step step, const float *x, size_t count, float *out) {
  switch (step) {
  case Step::Recip:
    return recipRow(x, count, out);
  case Step::Rsqrt:
    return rsqrtRow(x, count, out);
  case Step::Exp:
    return expRow(x, count, out);
  case Step::Sigmoid:
    return sigmoidRow(x, count, out);
  default:
    return roundRow(x, count, out);
  }
}

LLMC_SIMD_CLONES void keepGe(Value x, Value y, float bound, size_t count, float *out) {
  for (size_t i = 0; i < count; ++i) {
    const float kept = x.data[i * x.stride];
    out[i] = y.data[i * y.stride] >= bound ? kept : 0.0f;
  }
}

float reduce(Step step, const float *x, size_t count, size_t visible) {
  if (step == Step::SumLanes)
    return sumRow(x, count);
  return step == Step::AbsMax ? absMaxRow(x, count) : maxRow(x, std::min(count, visible));
}

void loadRow(ElementType type, const uint8_t *in, size_t count, float *out) {
  switch (type) {
  case ElementType::F16:
    return widenHalves(in, count, out);
  case ElementType::I8:
    return loadBytes(in, count, out);
  case ElementType::I4:
    for (size_t i = 0; i < count; ++i)
      out[i] = float(int32_t(nibble(in, i) ^ 8) - 8);
    return;
  case ElementType::U4:
    for (size_t i = 0; i < count; ++i)
      out[i] = float(nibble(in, i));
    return;
  default:
    std::memcpy(out, in, count * 4);
  }
}

void loadGroups(ElementType type, const uint8_t *in, size_t group, size_t count, float *out) {
  const size_t groups = (count + group - 1) / group;
  float *values = out + (count - groups); // Ahead of what is written while it is spread.
  loadRow(type, in, groups, values);
  for (size_t g = 0; g < groups; ++g) {
    const float value = values[g];
    std::fill(out + g * group, out + std::min(count, (g + 1) * group), value);
  }
}

size_t storeRow(ElementType type, const float *x, size_t count, uint8_t *out) {
  if (type == ElementType::F16)
    return storeHalves(x, count, out);
  if (type == ElementType::I8)
    storeBytes(x, count, out);
  else
    std::memcpy(out, x, count * 4);
  return 0;
}

LLMC_SIMD_CLONES size_t countNonFinite(const float *x, size_t count) {
  size_t bad = 0;
  for (size_t i = 0; i < count; ++i)
    bad += (llmc_bits(x[i]) & LLMC_BITS_MAGNITUDE) >= LLMC_BITS_INF;
  return bad;
}

} // namespace llmc::rnpu
