#include "tools/bench-kernels/MachinePeaks.h"

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace llmc::bench {

bool hasAvx512Vnni() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");
}

bool hasAmx() {
  uint32_t a, b, c, d;
  if (!hasAvx512Vnni() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (3u << 24)) != 3u << 24)
    return false;
  constexpr long requestPermission = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}

__attribute__((target("avx512f"))) static void readWide(const uint8_t *from, size_t bytes) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (size_t i = 0; i + 256 <= bytes; i += 256) {
    _mm_prefetch(reinterpret_cast<const char *>(from + i + 4096), _MM_HINT_T0);
    a = _mm512_xor_si512(a, _mm512_loadu_si512(from + i));
    b = _mm512_xor_si512(b, _mm512_loadu_si512(from + i + 64));
    c = _mm512_xor_si512(c, _mm512_loadu_si512(from + i + 128));
    d = _mm512_xor_si512(d, _mm512_loadu_si512(from + i + 192));
  }
  a = _mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d));
  asm volatile("" : : "v"(a));
}

__attribute__((target("avx2"))) static void readNarrow(const uint8_t *from, size_t bytes) {
  __m256i a = _mm256_setzero_si256(), b = a;
  for (size_t i = 0; i + 64 <= bytes; i += 64) {
    a = _mm256_xor_si256(a, _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from + i)));
    b = _mm256_xor_si256(b, _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from + i + 32)));
  }
  a = _mm256_xor_si256(a, b);
  asm volatile("" : : "x"(a));
}

void readAll(const uint8_t *from, size_t bytes) {
  if (hasAvx512Vnni())
    readWide(from, bytes);
  else
    readNarrow(from, bytes);
}

__attribute__((target("avx512f,avx512vnni"))) uint64_t runVpdpbusd(uint64_t rounds) {
  __m512i sums[12], x = _mm512_set1_epi8(3);
  for (__m512i &sum : sums)
    sum = x;
  for (uint64_t i = 0; i < rounds; ++i)
    for (__m512i &sum : sums)
      asm volatile("vpdpbusd %1, %1, %0" : "+v"(sum) : "v"(x));
  return rounds * 12 * 128;
}

__attribute__((target("amx-tile,amx-int8"))) uint64_t runTdpbsud(uint64_t rounds) {
  alignas(64) uint8_t config[64] = {1};
  for (int tile = 0; tile < 8; ++tile) {
    config[16 + 2 * tile] = 64;
    config[48 + tile] = 16;
  }
  _tile_loadconfig(config);
  for (uint64_t i = 0; i < rounds; ++i) {
    _tile_dpbsud(0, 4, 6);
    _tile_dpbsud(1, 4, 7);
    _tile_dpbsud(2, 5, 6);
    _tile_dpbsud(3, 5, 7);
  }
  _tile_release();
  return rounds * 4 * 16 * 16 * 64 * 2;
}

__attribute__((target("avx512f"))) uint64_t runWideFma(uint64_t rounds) {
  __m512 sums[12], x = _mm512_set1_ps(0.5f);
  for (__m512 &sum : sums)
    sum = x;
  for (uint64_t i = 0; i < rounds; ++i)
    for (__m512 &sum : sums)
      asm volatile("vfmadd231ps %1, %1, %0" : "+v"(sum) : "v"(x));
  return rounds * 12 * 32;
}

__attribute__((target("avx2,fma"))) uint64_t runNarrowFma(uint64_t rounds) {
  __m256 sums[12], x = _mm256_set1_ps(0.5f);
  for (__m256 &sum : sums)
    sum = x;
  for (uint64_t i = 0; i < rounds; ++i)
    for (__m256 &sum : sums)
      asm volatile("vfmadd231ps %1, %1, %0" : "+x"(sum) : "x"(x));
  return rounds * 12 * 16;
}

/// The sequence of AVX2 for products of bytes: vpmaddubsw, vpmaddwd, vpaddd.
__attribute__((target("avx2"))) uint64_t runMaddUbs(uint64_t rounds) {
  __m256i sums[8], x = _mm256_set1_epi8(3), ones = _mm256_set1_epi16(1);
  for (__m256i &sum : sums)
    sum = x;
  for (uint64_t i = 0; i < rounds; ++i)
    for (__m256i &sum : sums) {
      __m256i pairs;
      asm volatile("vpmaddubsw %1, %1, %0" : "=x"(pairs) : "x"(x));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
      asm volatile("" : "+x"(sum));
    }
  return rounds * 8 * 64;
}

} // namespace llmc::bench
