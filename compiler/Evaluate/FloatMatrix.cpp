#include "compiler/Evaluate/FloatMatrix.h"

#include "compiler/Evaluate/KernelLoops.h"
#include "runtime/base/numerics.h"

namespace llmc::evaluate {

namespace {

float widenBrain(uint16_t bits) { return llmc_float(uint32_t{bits} << 16); }

template <class Fn>
void packWidened(const FloatMatrix &w, uint32_t first, uint32_t count, float *packed, Fn widen) {
  const auto *base = static_cast<const uint16_t *>(w.base) + first * w.rowStride;
  for (uint32_t k = 0; k < w.columns; ++k)
    for (uint32_t n = 0; n < stripeWidth; ++n)
      packed[size_t{k} * stripeWidth + n] =
          n < count ? widen(base[n * w.rowStride + int64_t{k} * w.columnStride]) : 0.0f;
}

} // namespace

float FloatMatrix::at(uint32_t row, uint32_t column) const {
  const int64_t index = row * rowStride + column * columnStride;
  switch (storage) {
  case FloatStorage::F32:
    break;
  case FloatStorage::F16:
    return llmc_f16_bits_to_f32(static_cast<const uint16_t *>(base)[index]);
  case FloatStorage::Bf16:
    return widenBrain(static_cast<const uint16_t *>(base)[index]);
  }
  return static_cast<const float *>(base)[index];
}

void FloatMatrix::packRows(uint32_t first, uint32_t count, float *packed) const {
  switch (storage) {
  case FloatStorage::F32:
    return kernelLoops().packFloats(static_cast<const float *>(base) + first * rowStride, rowStride,
                                    columnStride, count, columns, packed);
  case FloatStorage::F16:
    return packWidened(*this, first, count, packed, llmc_f16_bits_to_f32);
  case FloatStorage::Bf16:
    return packWidened(*this, first, count, packed, widenBrain);
  }
}

} // namespace llmc::evaluate
