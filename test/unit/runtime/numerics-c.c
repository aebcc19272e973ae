/* The shared numerics header as C: the same functions, compiled by the C compiler. */
#include "runtime/base/numerics.h"

uint32_t numericsFromC(float x, float *row, int8_t *quantized, uint32_t n) {
  uint32_t hash = llmc_bits(llmc_recip(x)) * 31u + llmc_bits(llmc_rsqrt(x));
  hash = hash * 31u + llmc_bits(llmc_exp(x));
  hash = hash * 31u + llmc_bits(llmc_swiglu(x, x));
  hash = hash * 31u + llmc_bits(llmc_softmax_weight(x));
  hash = hash * 31u + llmc_f32_to_f16_ieee(x);
  hash = hash * 31u + llmc_bits(llmc_max(row, n));
  hash = hash * 31u + llmc_bits(llmc_sum16(row, n));
  hash = hash * 31u + llmc_bits(llmc_quantize_row(row, n, quantized));
  return hash;
}
