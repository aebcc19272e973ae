// Dot products of the tensor engine, as the host computes them fast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace llmc::rnpu {

/// Elements of a dot product's piece: depths are multiples of it, the rest being zeros.
constexpr uint32_t dotGranule = 32;

/// out[r*groups + g] = sum over group g of a[r*aStride + i] * w[i], modulo 2^32. Every group is
/// `depth` elements, a multiple of dotGranule. |a|, |w| <= 128.
using DotKernel = void (*)(const int16_t *a, size_t aStride, uint32_t rows, const int16_t *w,
                           uint32_t groups, uint32_t depth, int32_t *out);

/// Every version this CPU can run, the fastest last.
std::vector<DotKernel> dotKernels();

/// int8 to int16.
void widen(const int8_t *in, size_t count, int16_t *out);
/// Nibbles, the low one first, sign-extended.
void widenNibbles(const uint8_t *in, size_t count, int16_t *out);
/// Scales a run by a small integer.
void multiply(int16_t *values, size_t count, int16_t factor);

/// The exact sum, for depths at which int32 could overflow.
int64_t exactDot(const int16_t *a, const int16_t *w, size_t count);

/// Columns of one panel of halfRows.
constexpr uint32_t panelColumns = 64;

/// acc[j] = (((acc[j] + a[0]*b[j]) + a[1]*b[64+j]) + ...), ascending, for the panel's 64 columns.
void accumulatePanel(const float *a, const float *panel, size_t depth, float *acc);

/// f16 to f32.
void widenHalves(const uint8_t *in, size_t count, float *out);

} // namespace llmc::rnpu
