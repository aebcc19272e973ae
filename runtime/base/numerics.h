/* The arithmetic every level of llmc shares: evaluator, simulator, generated kernels, sampler.
 *
 * Freestanding C11 and C++17. docs/numerics.md is the authority; this header is its executable
 * part. Everything below is a fixed sequence of fp32 add, sub, mul, compare and convert (round to
 * nearest even) and of integer operations on bit patterns, so that any machine gives the same
 * bytes. There is no division, square root, fused multiply-add or libm call. The element functions
 * are free of branches and vectorise.
 *
 * Contraction must be off. clang obeys the pragma below, which reaches to the end of the including
 * file; gcc needs -ffp-contract=off (the build sets it for every target).
 *
 * fp32 subnormals may be flushed or kept by the machine: f16 values, int8 rows, their scales and
 * the results of recip, rsqrt, exp and sigmoid are the same either way. */
#ifndef LLMC_RUNTIME_BASE_NUMERICS_H
#define LLMC_RUNTIME_BASE_NUMERICS_H

#include <stdint.h>

#define LLMC_NUMERICS_VERSION 1

#if defined(__FAST_MATH__)
#error "llmc numerics need IEEE arithmetic: compile without -ffast-math"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "llmc numerics need fp32 expressions evaluated in fp32 (no x87)"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

/* ---- bit patterns ------------------------------------------------------------------------- */

#define LLMC_BITS_SIGN 0x80000000u
#define LLMC_BITS_MAGNITUDE 0x7fffffffu
#define LLMC_BITS_INF 0x7f800000u
#define LLMC_BITS_QUIET_NAN 0x7fc00000u
#define LLMC_BITS_MIN_NORMAL 0x00800000u
#define LLMC_BITS_ONE 0x3f800000u

static inline uint32_t llmc_bits(float x) {
#if defined(__GNUC__)
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
#else
  union {
    float value;
    uint32_t bits;
  } u;
  u.value = x;
  return u.bits;
#endif
}

static inline float llmc_float(uint32_t bits) {
#if defined(__GNUC__)
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
#else
  union {
    uint32_t bits;
    float value;
  } u;
  u.bits = bits;
  return u.value;
#endif
}

static inline int llmc_is_finite(float x) {
  return (llmc_bits(x) & LLMC_BITS_MAGNITUDE) < LLMC_BITS_INF;
}

/* ---- f16 ---------------------------------------------------------------------------------- */

/* Exact for every half, subnormals included. */
static inline float llmc_f16_bits_to_f32(uint16_t half) {
  const uint32_t magnitude = half & 0x7fffu;
  const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  const uint32_t normal = (magnitude << 13) + (112u << 23);
  const uint32_t special = (magnitude << 13) | LLMC_BITS_INF;
  const uint32_t subnormal = llmc_bits((float)(int32_t)magnitude * 0x1p-24f);
  uint32_t bits = magnitude < 0x0400u ? subnormal : normal;
  bits = magnitude >= 0x7c00u ? special : bits;
  return llmc_float(bits | sign);
}

/* IEEE binary16, round to nearest even, subnormals kept, overflow to infinity: weight scales. */
static inline uint16_t llmc_f32_to_f16_ieee(float x) {
  const uint32_t all = llmc_bits(x);
  const uint32_t bits = all & LLMC_BITS_MAGNITUDE;
  const uint32_t sign = (all & LLMC_BITS_SIGN) >> 16;
  /* Adding 1/2 aligns a value below 2^-14 to the spacing 2^-24 of half subnormals. */
  const uint32_t tiny = llmc_bits(llmc_float(bits) + 0.5f) - 0x3f000000u;
  const uint32_t normal = (bits - (112u << 23) + 0xfffu + ((bits >> 13) & 1u)) >> 13;
  uint32_t half = bits < 0x38800000u ? tiny : normal;
  half = bits >= 0x477ff000u ? 0x7c00u : half;
  half = bits > LLMC_BITS_INF ? 0x7e00u : half;
  return (uint16_t)(half | sign);
}

/* The rounding of q, k, v and p: IEEE binary16 to nearest even, then a result below 2^-14 becomes
 * +0 and a finite one above 65504 saturates. NaN and infinity stay what they are. */
static inline uint16_t llmc_f32_to_f16(float x) {
  const uint32_t all = llmc_bits(x);
  const uint32_t bits = all & LLMC_BITS_MAGNITUDE;
  const uint32_t sign = (all & LLMC_BITS_SIGN) >> 16;
  uint32_t half = (bits - (112u << 23) + 0xfffu + ((bits >> 13) & 1u)) >> 13;
  half |= sign;
  /* From 2^-14 - 2^-25 on, the subnormal spacing 2^-24 rounds up to 2^-14. */
  half = bits < 0x38800000u ? (0x0400u | sign) : half;
  half = bits < 0x387fe000u ? 0u : half;
  half = bits >= 0x477ff000u ? (0x7bffu | sign) : half;
  half = bits >= LLMC_BITS_INF ? (0x7c00u | sign) : half;
  half = bits > LLMC_BITS_INF ? (0x7e00u | sign) : half;
  return (uint16_t)half;
}

static inline float llmc_round_f16(float x) { return llmc_f16_bits_to_f32(llmc_f32_to_f16(x)); }

/* Whether llmc_f32_to_f16 saturates x. */
static inline int llmc_f16_saturates(float x) {
  const uint32_t bits = llmc_bits(x) & LLMC_BITS_MAGNITUDE;
  return bits >= 0x477ff000u && bits < LLMC_BITS_INF;
}

/* ---- recip, rsqrt, exp, sigmoid ------------------------------------------------------------ */

/* 1/x. Newton's iteration on the mantissa in [1, 2), then the exponent. A subnormal x counts as
 * zero and gives infinity; a result below 2^-126 is zero. */
static inline float llmc_recip(float x) {
  const uint32_t all = llmc_bits(x);
  const uint32_t bits = all & LLMC_BITS_MAGNITUDE;
  const uint32_t sign = all & LLMC_BITS_SIGN;
  const float m = llmc_float((bits & 0x007fffffu) | LLMC_BITS_ONE);
  float y = 0x1.69696ap+0f - 0x1.e1e1e2p-2f * m; /* 24/17 - 8/17 m: relative error 1/17 */
  y = y + y * (1.0f - m * y);
  y = y + y * (1.0f - m * y);
  y = y + y * (1.0f - m * y);
  uint32_t r = llmc_bits(y) + LLMC_BITS_ONE - (bits & LLMC_BITS_INF);
  r = (int32_t)r < (int32_t)LLMC_BITS_MIN_NORMAL ? 0u : r;
  r = bits >= LLMC_BITS_INF ? 0u : r;
  r = bits < LLMC_BITS_MIN_NORMAL ? LLMC_BITS_INF : r;
  r = bits > LLMC_BITS_INF ? LLMC_BITS_QUIET_NAN : r;
  return llmc_float(r | sign);
}

/* 1/sqrt(x). A bit-pattern guess and three Newton steps. A subnormal x of either sign counts as
 * zero and gives infinity; a negative x gives NaN. */
static inline float llmc_rsqrt(float x) {
  const uint32_t bits = llmc_bits(x);
  float y = llmc_float(0x5f3759dfu - (bits >> 1)); /* relative error below 0.035 */
  y = y + (0.5f * y) * (1.0f - (x * y) * y);
  y = y + (0.5f * y) * (1.0f - (x * y) * y);
  y = y + (0.5f * y) * (1.0f - (x * y) * y);
  uint32_t r = llmc_bits(y);
  r = bits >= LLMC_BITS_INF ? LLMC_BITS_QUIET_NAN : r;
  r = bits == LLMC_BITS_INF ? 0u : r;
  r = (bits & LLMC_BITS_MAGNITUDE) < LLMC_BITS_MIN_NORMAL ? LLMC_BITS_INF : r;
  return llmc_float(r);
}

/* e^x = 2^n e^r with n = rne(x log2 e), ln 2 split in two, a polynomial of degree 7. A result below
 * 2^-126 is zero, one of 2^128 or more is infinity. */
static inline float llmc_exp(float x) {
  const float magic = 12582912.0f; /* 1.5 * 2^23: the sum's low bits are the nearest integer */
  float c = x > -89.0f ? x : -89.0f;
  c = c < 89.0f ? c : 89.0f;
  const float t = c * 0x1.715476p+0f + magic;
  const float n = t - magic;
  const float r = (c - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f; /* the first product is exact */
  float q = 0x1.a12708p-13f;
  q = q * r + 0x1.6d457ep-10f;
  q = q * r + 0x1.1110e0p-7f;
  q = q * r + 0x1.5554e8p-5f;
  q = q * r + 0x1.555556p-3f;
  q = q * r + 0.5f;
  const float p = 1.0f + (r + (r * r) * q);
  uint32_t e = llmc_bits(p) + ((llmc_bits(t) - 0x4b400000u) << 23);
  e = (int32_t)e < (int32_t)LLMC_BITS_MIN_NORMAL ? 0u : e;
  e = (int32_t)e > (int32_t)LLMC_BITS_INF ? LLMC_BITS_INF : e;
  e = (llmc_bits(x) & LLMC_BITS_MAGNITUDE) > LLMC_BITS_INF ? LLMC_BITS_QUIET_NAN : e;
  return llmc_float(e);
}

/* 1 / (1 + e^-g), g clamped to +-80. NaN stays NaN. */
static inline float llmc_sigmoid(float g) {
  float c = g < -80.0f ? -80.0f : g;
  c = c > 80.0f ? 80.0f : c;
  return llmc_recip(1.0f + llmc_exp(-c));
}

/* SwiGLU of one pair: (g * sigmoid(g)) * u. */
static inline float llmc_swiglu(float g, float u) { return (g * llmc_sigmoid(g)) * u; }

/* The softmax weight p of a score `delta` below the row maximum, before normalisation. */
static inline float llmc_softmax_weight(float delta) {
  const float p = llmc_round_f16(32768.0f * llmc_exp(delta));
  return delta < -20.0f ? 0.0f : p;
}

/* ---- vector reductions: 16 lanes by absolute index mod 16 --------------------------------- */

/* lanes[(first + i) % 16] += x[i], ascending. `first` is the absolute index of x[0], so that a
 * caller may feed a row in pieces. Lanes start at +0. */
static inline void llmc_lanes_add(float lanes[16], const float *x, uint32_t first, uint32_t n) {
  uint32_t i = 0;
  for (; i < n && ((first + i) & 15u) != 0; ++i)
    lanes[(first + i) & 15u] += x[i];
  for (; i + 16 <= n; i += 16)
    for (uint32_t l = 0; l < 16; ++l)
      lanes[l] += x[i + l];
  for (; i < n; ++i)
    lanes[(first + i) & 15u] += x[i];
}

/* The same with x[i] * x[i], the product rounded before the sum. */
static inline void llmc_lanes_add_squares(float lanes[16], const float *x, uint32_t first,
                                          uint32_t n) {
  uint32_t i = 0;
  for (; i < n && ((first + i) & 15u) != 0; ++i)
    lanes[(first + i) & 15u] += x[i] * x[i];
  for (; i + 16 <= n; i += 16)
    for (uint32_t l = 0; l < 16; ++l)
      lanes[l] += x[i + l] * x[i + l];
  for (; i < n; ++i)
    lanes[(first + i) & 15u] += x[i] * x[i];
}

/* lane i += lane i+8, then i+4, i+2, i+1. Destroys the lanes. */
static inline float llmc_lanes_sum(float lanes[16]) {
  for (uint32_t half = 8; half != 0; half >>= 1)
    for (uint32_t l = 0; l < half; ++l)
      lanes[l] += lanes[l + half];
  return lanes[0];
}

static inline float llmc_sum16(const float *x, uint32_t n) {
  float lanes[16] = {0};
  llmc_lanes_add(lanes, x, 0, n);
  return llmc_lanes_sum(lanes);
}

static inline float llmc_sum16_squares(const float *x, uint32_t n) {
  float lanes[16] = {0};
  llmc_lanes_add_squares(lanes, x, 0, n);
  return llmc_lanes_sum(lanes);
}

/* The largest |x[i]|, compared as magnitude bits: an infinity wins over numbers, a NaN over both.
 * 0 where n is 0. Any order gives the same. */
static inline float llmc_absmax(const float *x, uint32_t n) {
  int32_t most = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const int32_t bits = (int32_t)(llmc_bits(x[i]) & LLMC_BITS_MAGNITUDE);
    most = bits > most ? bits : most;
  }
  return llmc_float((uint32_t)most);
}

/* The largest x[i], -infinity where n is 0. A NaN is passed over: it shows again in x[i] - max. */
static inline float llmc_max(const float *x, uint32_t n) {
  float lanes[16];
  for (uint32_t l = 0; l < 16; ++l)
    lanes[l] = llmc_float(0xff800000u);
  uint32_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (uint32_t l = 0; l < 16; ++l)
      lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
  for (; i < n; ++i)
    lanes[i & 15u] = x[i] > lanes[i & 15u] ? x[i] : lanes[i & 15u];
  for (uint32_t half = 8; half != 0; half >>= 1)
    for (uint32_t l = 0; l < half; ++l)
      lanes[l] = lanes[l + half] > lanes[l] ? lanes[l + half] : lanes[l];
  return lanes[0];
}

/* RMSNorm of a row: y = (x * rsqrt(sum * inverseN + eps)) * w, inverseN = fp32(1 / n). y may be x.
 */
static inline void llmc_rms_norm_row(const float *x, const float *w, uint32_t n, float inverseN,
                                     float eps, float *y) {
  const float factor = llmc_rsqrt(llmc_sum16_squares(x, n) * inverseN + eps);
  for (uint32_t i = 0; i < n; ++i)
    y[i] = (x[i] * factor) * w[i];
}

/* ---- activations to int8 -------------------------------------------------------------------- */

#define LLMC_BITS_2_POW_MINUS_60 0x21800000u
#define LLMC_BITS_2_POW_120 0x7b800000u

/* 127 * recip(absmax): 0 for a row that counts as zero (absmax < 2^-60) or as infinite. */
static inline float llmc_activation_inverse_scale(float absmax) {
  const uint32_t bits = llmc_bits(absmax);
  const uint32_t inverse = llmc_bits(127.0f * llmc_recip(absmax));
  return llmc_float(bits - LLMC_BITS_2_POW_MINUS_60 < LLMC_BITS_2_POW_120 - LLMC_BITS_2_POW_MINUS_60
                        ? inverse
                        : 0u);
}

/* absmax * (1/127): 0 for a row that counts as zero, infinity for one with absmax >= 2^120, NaN
 * where absmax is NaN, so that the error shows. */
static inline float llmc_activation_scale(float absmax) {
  const uint32_t bits = llmc_bits(absmax);
  uint32_t scale = llmc_bits(absmax * 0x1.020408p-7f);
  scale = bits < LLMC_BITS_2_POW_MINUS_60 ? 0u : scale;
  scale = bits >= LLMC_BITS_2_POW_120 ? LLMC_BITS_INF : scale;
  scale = bits > LLMC_BITS_INF ? LLMC_BITS_QUIET_NAN : scale;
  return llmc_float(scale);
}

/* clamp(rne(x * inverse), -127, 127); a NaN product gives -127. */
static inline int8_t llmc_quantize_i8(float x, float inverse) {
  const float v = x * inverse;
  float c = v > -127.0f ? v : -127.0f;
  c = c < 127.0f ? c : 127.0f;
  return (int8_t)((int32_t)llmc_bits(c + 12582912.0f) - 0x4b400000);
}

/* Quantizes a row and returns its scale. */
static inline float llmc_quantize_row(const float *x, uint32_t n, int8_t *q) {
  const float absmax = llmc_absmax(x, n);
  const float inverse = llmc_activation_inverse_scale(absmax);
  for (uint32_t i = 0; i < n; ++i)
    q[i] = llmc_quantize_i8(x[i], inverse);
  return llmc_activation_scale(absmax);
}

#endif
