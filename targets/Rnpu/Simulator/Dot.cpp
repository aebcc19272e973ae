// int8 dot products in int16 pairs, f16 products in panels of 64 outputs.
#include "targets/Rnpu/Simulator/Dot.h"

#include "runtime/base/numerics.h"
#include "targets/Rnpu/Simulator/Simd.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#if !defined(__clang__)
// gcc 12 warns about its own undefined-register intrinsics.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#endif

namespace llmc::rnpu {

static void dotPlain(const int16_t *a, size_t aStride, uint32_t rows, const int16_t *w,
                     uint32_t groups, uint32_t depth, int32_t *out) {
  for (uint32_t r = 0; r < rows; ++r)
    for (uint32_t g = 0; g < groups; ++g) {
      const int16_t *x = a + r * aStride + size_t(g) * depth, *y = w + size_t(g) * depth;
      uint32_t sum = 0;
      for (uint32_t i = 0; i < depth; ++i)
        sum += uint32_t(int32_t(x[i]) * y[i]);
      out[size_t(r) * groups + g] = int32_t(sum);
    }
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static int32_t sumLanes(__m256i v) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
  return _mm_cvtsi128_si32(s);
}

__attribute__((target("avx2"))) static __m256i pairs2(const int16_t *x, __m256i w) {
  return _mm256_madd_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(x)), w);
}

__attribute__((target("avx2"))) static void dotAvx2(const int16_t *a, size_t aStride, uint32_t rows,
                                                    const int16_t *w, uint32_t groups,
                                                    uint32_t depth, int32_t *out) {
  uint32_t r = 0;
  for (; r + 4 <= rows; r += 4)
    for (uint32_t g = 0; g < groups; ++g) {
      const int16_t *x = a + r * aStride + size_t(g) * depth, *y = w + size_t(g) * depth;
      __m256i s[4] = {};
      for (uint32_t i = 0; i < depth; i += 16) {
        const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(y + i));
        for (int q = 0; q < 4; ++q)
          s[q] = _mm256_add_epi32(s[q], pairs2(x + q * aStride + i, v));
      }
      for (uint32_t q = 0; q < 4; ++q)
        out[size_t(r + q) * groups + g] = sumLanes(s[q]);
    }
  for (; r < rows; ++r)
    for (uint32_t g = 0; g < groups; ++g) {
      const int16_t *x = a + r * aStride + size_t(g) * depth, *y = w + size_t(g) * depth;
      __m256i s[2] = {};
      for (uint32_t i = 0; i < depth; i += 32)
        for (int q = 0; q < 2; ++q) {
          const int16_t *from = y + i + 16 * q;
          const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
          s[q] = _mm256_add_epi32(s[q], pairs2(x + i + 16 * q, v));
        }
      out[size_t(r) * groups + g] = sumLanes(_mm256_add_epi32(s[0], s[1]));
    }
}

__attribute__((target("avx512f,avx512bw"))) static __m512i pairs5(const int16_t *x, __m512i w) {
  return _mm512_madd_epi16(_mm512_loadu_si512(x), w);
}

__attribute__((target("avx512f,avx512bw"))) static int32_t sumWide(__m512i v) {
  const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
  return _mm_cvtsi128_si32(s);
}

__attribute__((target("avx512f,avx512bw"))) static void dotAvx512(const int16_t *a, size_t aStride,
                                                                  uint32_t rows, const int16_t *w,
                                                                  uint32_t groups, uint32_t depth,
                                                                  int32_t *out) {
  uint32_t r = 0;
  for (; r + 4 <= rows; r += 4)
    for (uint32_t g = 0; g < groups; ++g) {
      const int16_t *x = a + r * aStride + size_t(g) * depth, *y = w + size_t(g) * depth;
      __m512i s[4] = {};
      for (uint32_t i = 0; i < depth; i += 32) {
        const __m512i v = _mm512_loadu_si512(y + i);
        for (int q = 0; q < 4; ++q)
          s[q] = _mm512_add_epi32(s[q], pairs5(x + q * aStride + i, v));
      }
      for (uint32_t q = 0; q < 4; ++q)
        out[size_t(r + q) * groups + g] = sumWide(s[q]);
    }
  for (; r < rows; ++r)
    for (uint32_t g = 0; g < groups; ++g) {
      const int16_t *x = a + r * aStride + size_t(g) * depth, *y = w + size_t(g) * depth;
      __m512i s = _mm512_setzero_si512();
      for (uint32_t i = 0; i < depth; i += 32)
        s = _mm512_add_epi32(s, pairs5(x + i, _mm512_loadu_si512(y + i)));
      out[size_t(r) * groups + g] = sumWide(s);
    }
}

#endif

std::vector<DotKernel> dotKernels() {
  std::vector<DotKernel> kernels = {dotPlain};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2"))
    kernels.push_back(dotAvx2);
  if (__builtin_cpu_supports("avx512bw"))
    kernels.push_back(dotAvx512);
#endif
  return kernels;
}

LLMC_SIMD_CLONES void widen(const int8_t *in, size_t count, int16_t *out) {
  for (size_t i = 0; i < count; ++i)
    out[i] = in[i];
}

LLMC_SIMD_CLONES void widenNibbles(const uint8_t *in, size_t count, int16_t *out) {
  const size_t pairs = count / 2;
  for (size_t i = 0; i < pairs; ++i) {
    out[2 * i] = int16_t(((in[i] & 15) ^ 8) - 8);
    out[2 * i + 1] = int16_t(((in[i] >> 4) ^ 8) - 8);
  }
  if (count % 2)
    out[count - 1] = int16_t(((in[pairs] & 15) ^ 8) - 8);
}

LLMC_SIMD_CLONES void multiply(int16_t *values, size_t count, int16_t factor) {
  for (size_t i = 0; i < count; ++i)
    values[i] = int16_t(values[i] * factor);
}

int64_t exactDot(const int16_t *a, const int16_t *w, size_t count) {
  int64_t sum = 0;
  for (size_t i = 0; i < count; ++i)
    sum += int32_t(a[i]) * w[i];
  return sum;
}

LLMC_SIMD_CLONES void accumulatePanel(const float *a, const float *panel, size_t depth,
                                      float *acc) {
  typedef float Lanes __attribute__((vector_size(64)));
  Lanes sum[4];
  std::memcpy(sum, acc, sizeof sum);
  for (size_t k = 0; k < depth; ++k) {
    Lanes b[4];
    std::memcpy(b, panel + k * panelColumns, sizeof b);
    for (int i = 0; i < 4; ++i)
      sum[i] = sum[i] + a[k] * b[i];
  }
  std::memcpy(acc, sum, sizeof sum);
}

LLMC_SIMD_CLONES void widenHalves(const uint8_t *in, size_t count, float *out) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t half;
    std::memcpy(&half, in + 2 * i, 2);
    out[i] = llmc_f16_bits_to_f32(half);
  }
}

} // namespace llmc::rnpu
