// The reference kernels: docs/numerics.md in executable form, on plain pointers and sizes.
//
// Matrices are row-major and dense unless a stride is given. Results depend neither on the number
// of threads nor on the instruction set. Functions whose result is an observable say where its
// first NaN or infinity is; `allFinite` means there is none.
#pragma once

#include "compiler/Evaluate/FloatMatrix.h"
#include "compiler/Evaluate/Workers.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace llmc::evaluate {

inline constexpr int64_t allFinite = -1;

/// Index of the first NaN or infinity, or allFinite.
int64_t firstNonFinite(const float *x, size_t n);

/// A quantized [rows, columns] weight, one element to a byte. One of `scales` and `halfScales` is
/// set.
struct QuantizedMatrix {
  const int8_t *elements = nullptr;
  uint32_t rows = 0;
  uint32_t columns = 0;
  uint32_t block = 0;                   ///< Columns that share a scale or multiplier; 0: all.
  const float *scales = nullptr;        ///< [rows, groups], or [rows] with multipliers.
  const uint16_t *halfScales = nullptr; ///< fp16 bits, [rows, groups].
  const uint8_t *multipliers = nullptr; ///< 1 ... 16, [rows, groups]: decodes to int8.

  uint32_t groups() const { return block == 0 || columns == 0 ? 1 : (columns - 1) / block + 1; }
};

//===-- Linear layers -----------------------------------------------------===//

/// y[m, n] = sum over k ascending of x[m, k] * w[n, k], then + bias[n] where bias is not null.
void linear(Workers &workers, const float *x, uint32_t tokens, const FloatMatrix &w,
            const float *bias, float *y);

/// Per row of x: int8 values and a scale. Returns the first row whose scale is not finite.
int64_t quantizeRows(Workers &workers, const float *x, uint32_t tokens, uint32_t channels,
                     int8_t *q, float *scales);

/// The layer on quantized rows, in the float order of docs/numerics.md. K <= 131,072.
void quantizedLinear(Workers &workers, const int8_t *x, const float *rowScales, uint32_t tokens,
                     const QuantizedMatrix &w, const float *bias, float *y);

//===-- Embedding ---------------------------------------------------------===//

/// Rows of `table` by id. Returns the index of the first id outside the table, or -1.
int64_t embed(const int32_t *ids, uint32_t tokens, const FloatMatrix &table, float *y);
int64_t quantizedEmbed(const int32_t *ids, uint32_t tokens, const QuantizedMatrix &table, float *y);

//===-- Norm, activation, residual ----------------------------------------===//

void rmsNorm(Workers &workers, const float *x, uint32_t tokens, uint32_t channels, const float *w,
             float eps, float *y);
/// (gate * sigmoid(gate)) * up
void swiglu(Workers &workers, const float *gate, const float *up, size_t n, float *y);
/// y = a + b; y may be either. Returns firstNonFinite(y).
int64_t add(const float *a, const float *b, size_t n, float *y);

//===-- Rotary position embedding -----------------------------------------===//

struct RopeTable {
  uint32_t positions = 0;
  uint32_t half = 0;      ///< Rotated dimensions / 2.
  std::vector<float> cos; ///< [positions, half]
  std::vector<float> sin;
};

/// inv[i] = fp32(theta^(-2i/dim)), computed in double.
std::vector<float> ropeInverseFrequencies(double theta, uint32_t dim);
/// Correctly rounded cos and sin of fp32(pos * inverse[i]), times `scaling`.
RopeTable makeRopeTable(const std::vector<float> &inverse, uint32_t positions, float scaling);
/// Rotates the first 2*half dimensions of every head, half-split; row r has position `position +
/// r`. The table must reach position + tokens. y may be x.
void applyRope(const float *x, uint32_t tokens, uint32_t heads, uint32_t headDim, uint32_t position,
               const RopeTable &table, float *y);

//===-- Attention ---------------------------------------------------------===//

/// f16 bits by the observable rule. Returns the first non-finite x; adds to `saturated` how many
/// values were beyond 65,504.
int64_t roundToHalf(const float *x, size_t n, uint16_t *y, uint64_t &saturated);

struct AttentionShape {
  uint32_t tokens;   ///< Query rows.
  uint32_t position; ///< Of the first row.
  uint32_t heads;
  uint32_t kvHeads; ///< Divides heads; head h reads kv head h / (heads / kvHeads).
  uint32_t headDim;
  float scale;
};

/// q: [tokens, heads * headDim]. keys, values: [position + tokens, kvHeads * headDim], the cache
/// with the chunk's own rows appended, `cacheStride` elements from one position to the next. y:
/// [tokens, heads * headDim].
void attention(Workers &workers, const AttentionShape &shape, const float *q, const float *keys,
               const float *values, size_t cacheStride, float *y);
/// The quantized recipe on f16 bits.
void attentionHalf(Workers &workers, const AttentionShape &shape, const uint16_t *q,
                   const uint16_t *keys, const uint16_t *values, size_t cacheStride, float *y);

} // namespace llmc::evaluate
