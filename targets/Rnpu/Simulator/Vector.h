// The vector engine's row operations, over columns. Element functions are those of numerics.h.
#pragma once

#include "targets/Interface/Kernel.h"

#include <cstddef>
#include <cstdint>

namespace llmc::rnpu {

/// A row vector, or one value for all columns (stride 0).
struct Value {
  const float *data = nullptr;
  size_t stride = 1; ///< 0: a scalar.
};

/// out[i] = x[i] op y[i] for Add, Sub, Mul, Max, Min.
void binary(target::Step step, Value x, Value y, size_t count, float *out);
/// Recip, Rsqrt, Exp, Sigmoid, RoundF16.
void unary(target::Step step, const float *x, size_t count, float *out);
/// out[i] = y[i] >= bound ? x[i] : +0.
void keepGe(Value x, Value y, float bound, size_t count, float *out);
/// SumLanes and AbsMax over all columns, MaxVisible over the first `visible`.
float reduce(target::Step step, const float *x, size_t count, size_t visible);

/// Converts a stored row to fp32.
void loadRow(target::ElementType type, const uint8_t *in, size_t count, float *out);
/// Each stored value stands for `group` columns.
void loadGroups(target::ElementType type, const uint8_t *in, size_t group, size_t count,
                float *out);
/// Stores a row; gives the number of values that f16 saturates.
size_t storeRow(target::ElementType type, const float *x, size_t count, uint8_t *out);

/// Number of infinities and NaNs.
size_t countNonFinite(const float *x, size_t count);

} // namespace llmc::rnpu
