#include "runtime/drivers/cpu/machine_peaks.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/base/span.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace llmc::rt::cpu {

#if defined(__x86_64__)
namespace {

__attribute__((target("avx512f"))) void readWide(const uint8_t *from, size_t bytes) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (size_t i = 0; i + 256 <= bytes; i += 256) {
    _mm_prefetch(reinterpret_cast<const char *>(from + i + 4096), _MM_HINT_T0);
    a = _mm512_xor_si512(a, _mm512_loadu_si512(from + i));
    b = _mm512_xor_si512(b, _mm512_loadu_si512(from + i + 64));
    c = _mm512_xor_si512(c, _mm512_loadu_si512(from + i + 128));
    d = _mm512_xor_si512(d, _mm512_loadu_si512(from + i + 192));
  }
  a = _mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d));
  __asm__ volatile("" : : "v"(a));
}

__attribute__((target("avx2"))) void readNarrow(const uint8_t *from, size_t bytes) {
  __m256i a = _mm256_setzero_si256(), b = a;
  for (size_t i = 0; i + 64 <= bytes; i += 64) {
    _mm_prefetch(reinterpret_cast<const char *>(from + i + 4096), _MM_HINT_T0);
    a = _mm256_xor_si256(a, _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from + i)));
    b = _mm256_xor_si256(b, _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from + i + 32)));
  }
  a = _mm256_xor_si256(a, b);
  __asm__ volatile("" : : "x"(a));
}

__attribute__((target("avx512f,avx512vnni"))) uint64_t runVpdpbusd(uint64_t rounds) {
  __m512i sums[12], x = _mm512_set1_epi8(3);
  for (__m512i &sum : sums)
    sum = x;
  for (uint64_t i = 0; i < rounds; ++i)
    for (__m512i &sum : sums)
      __asm__ volatile("vpdpbusd %1, %1, %0" : "+v"(sum) : "v"(x));
  return rounds * 12 * 128;
}

__attribute__((target("amx-tile,amx-int8"))) uint64_t runTdpbsud(uint64_t rounds) {
  alignas(64) uint8_t config[64] = {1};
  for (int tile = 0; tile < 8; ++tile) {
    config[16 + 2 * tile] = 64;
    config[48 + tile] = 16;
  }
  // g++ 12 believes that the intrinsic reads 8 of the 64 bytes, and would not store the rest.
  __asm__ volatile("" : : "m"(config));
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

/// The sequence of AVX2 for products of bytes: vpmaddubsw, vpmaddwd, vpaddd.
__attribute__((target("avx2"))) uint64_t runMaddUbs(uint64_t rounds) {
  __m256i sums[8], x = _mm256_set1_epi8(3), ones = _mm256_set1_epi16(1);
  for (__m256i &sum : sums)
    sum = x;
  for (uint64_t i = 0; i < rounds; ++i)
    for (__m256i &sum : sums) {
      __m256i pairs;
      __asm__ volatile("vpmaddubsw %1, %1, %0" : "=x"(pairs) : "x"(x));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
      __asm__ volatile("" : "+x"(sum));
    }
  return rounds * 8 * 64;
}

__attribute__((target("avx512f"))) uint64_t runWideFma(uint64_t rounds) {
  __m512 sums[12], x = _mm512_set1_ps(0.5f);
  for (__m512 &sum : sums)
    sum = x;
  for (uint64_t i = 0; i < rounds; ++i)
    for (__m512 &sum : sums)
      __asm__ volatile("vfmadd231ps %1, %1, %0" : "+v"(sum) : "v"(x));
  return rounds * 12 * 32;
}

__attribute__((target("avx2,fma"))) uint64_t runNarrowFma(uint64_t rounds) {
  __m256 sums[12], x = _mm256_set1_ps(0.5f);
  for (__m256 &sum : sums)
    sum = x;
  for (uint64_t i = 0; i < rounds; ++i)
    for (__m256 &sum : sums)
      __asm__ volatile("vfmadd231ps %1, %1, %0" : "+x"(sum) : "x"(x));
  return rounds * 12 * 16;
}

} // namespace

void readBytes(Isa isa, const uint8_t *from, size_t bytes) {
  if (isa == Isa::Avx2)
    readNarrow(from, bytes);
  else
    readWide(from, bytes);
}

uint64_t multiplyInt8(Isa isa, uint64_t rounds) {
  return isa == Isa::Avx2     ? runMaddUbs(rounds)
         : isa == Isa::Avx512 ? runVpdpbusd(rounds)
                              : runTdpbsud(rounds);
}

uint64_t multiplyF32(Isa isa, uint64_t rounds) {
  return isa == Isa::Avx2 ? runNarrowFma(rounds) : runWideFma(rounds);
}
#else
void readBytes(Isa, const uint8_t *, size_t) {}
uint64_t multiplyInt8(Isa, uint64_t) { return 0; }
uint64_t multiplyF32(Isa, uint64_t) { return 0; }
#endif

namespace {

struct Probe {
  Isa isa;
  uint8_t *memory = nullptr;
  uint64_t rounds = 0;

  /// A thread's part of the memory, in whole pages.
  Span<uint8_t> share(uint32_t part, uint32_t parts) const {
    constexpr size_t page = 4096, pages = readProbeBytes / page;
    const size_t begin = pages * part / parts, end = pages * (part + 1) / parts;
    return {memory + begin * page, (end - begin) * page};
  }
};

/// As long as a large kernel runs: for less, a core may be faster than it can stay.
constexpr double multiplySeconds = 0.02;

const Probe &probeOf(void *context) { return *static_cast<const Probe *>(context); }

void fillShare(void *context, uint32_t part, uint32_t parts) {
  const Span<uint8_t> share = probeOf(context).share(part, parts);
  std::memset(share.data, 1, share.size);
}

void readShare(void *context, uint32_t part, uint32_t parts) {
  const Span<uint8_t> share = probeOf(context).share(part, parts);
  readBytes(probeOf(context).isa, share.data, share.size);
}

void multiply(void *context, uint32_t, uint32_t) {
  multiplyInt8(probeOf(context).isa, probeOf(context).rounds);
}

/// Seconds of the fastest of `times` runs.
double fastest(WorkerPool &pool, WorkerPool::Task task, Probe &probe, unsigned times) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (unsigned i = 0; i < times; ++i) {
    const Clock::time_point start = Clock::now();
    pool.run(task, &probe);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = i == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

/// With rounds for multiplySeconds.
Probe multiplyProbe(Isa isa, WorkerPool &pool) {
  constexpr uint64_t leastRounds = 100000;
  Probe probe{isa, nullptr, leastRounds};
  const double shortest = fastest(pool, multiply, probe, 3);
  probe.rounds = leastRounds * std::max(1u, unsigned(multiplySeconds / shortest));
  return probe;
}

double operations(const Probe &probe, const WorkerPool &pool) {
  return double(multiplyInt8(probe.isa, 1)) * double(probe.rounds) * pool.threads();
}

} // namespace

std::optional<double> measureReadBytesPerSecond(Isa isa, WorkerPool &pool) {
  void *memory =
      ::mmap(nullptr, readProbeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return std::nullopt;
#if defined(MADV_HUGEPAGE)
  ::madvise(memory, readProbeBytes, MADV_HUGEPAGE);
#endif
  Probe probe{isa, static_cast<uint8_t *>(memory), 0};
  pool.run(fillShare, &probe);
  const double seconds = fastest(pool, readShare, probe, 6);
  ::munmap(memory, readProbeBytes);
  return double(readProbeBytes) / seconds;
}

double measureInt8OpsPerSecond(Isa isa, WorkerPool &pool) {
  Probe probe = multiplyProbe(isa, pool);
  return operations(probe, pool) / fastest(pool, multiply, probe, 12);
}

double measureSustainedInt8OpsPerSecond(Isa isa, WorkerPool &pool, double seconds) {
  Probe probe = multiplyProbe(isa, pool);
  unsigned runs = 0;
  double taken = 0;
  do {
    taken += fastest(pool, multiply, probe, 1);
    ++runs;
  } while (taken < seconds);
  return operations(probe, pool) * runs / taken;
}

uint64_t lastLevelCacheBytes() {
  long bytes = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
  for (const int level : {_SC_LEVEL4_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE})
    if (bytes <= 0)
      bytes = ::sysconf(level);
#endif
  return bytes > 0 ? uint64_t(bytes) : 0;
}

} // namespace llmc::rt::cpu
