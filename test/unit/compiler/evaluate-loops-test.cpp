// The kernels do not depend on threads, instruction set or subnormal flushing.
#include "compiler/Evaluate/KernelLoops.h"
#include "compiler/Evaluate/Kernels.h"
#include "runtime/base/numerics.h"
#include "test/unit/compiler/evaluate-test-support.h"

#include "catch2/catch.hpp"

#include <atomic>
#include <cstring>
#include <string>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

using namespace llmc::evaluate;
using llmc::evaluate::test::Random;

namespace {

template <class T> void append(std::string &bytes, const std::vector<T> &x) {
  bytes.append(reinterpret_cast<const char *>(x.data()), x.size() * sizeof(T));
}

/// Every loop of a table on fixed inputs of awkward sizes.
std::string resultsOf(const KernelLoops &loops) {
  Random random;
  std::string bytes;
  const uint32_t rows = 7, columns = 77, count = 13, block = 9;
  const auto x = random.floats(rows * columns, 30.0f), w = random.floats(count * columns);
  std::vector<float> packed(columns * stripeWidth), y(rows * count);
  loops.packFloats(w.data(), columns, 1, count, columns, packed.data());
  loops.floatStripe({x.data(), columns, rows, columns, packed.data()},
                    {y.data(), count, count, w.data()});
  append(bytes, packed);
  append(bytes, y);
  const uint32_t groups = (columns + block - 1) / block, pairs = 8 * 5 + 3;
  const auto q = random.integers(count * columns), xq = random.integers(columns);
  std::vector<int16_t> packedPairs(pairs * 2 * stripeWidth), xPairs(rows * pairs * 2);
  for (int16_t &v : xPairs)
    v = static_cast<int16_t>(static_cast<int>(random.next() % 255) - 127);
  const auto scales = random.floats(groups * stripeWidth), rowScales = random.floats(rows);
  loops.packIntegers(q.data(), columns, count, columns, block, packedPairs.data());
  loops.integerStripe(
      {xPairs.data(), rowScales.data(), rows, pairs, 5, packedPairs.data(), scales.data()},
      {y.data(), count, count, nullptr});
  append(bytes, packedPairs);
  append(bytes, y);
  append(bytes, std::vector<int32_t>{loops.dot(xq.data(), q.data(), columns)});
  const uint32_t dim = 24, positions = 70, stride = 128;
  const auto queries = random.floats(rows * dim), keys = random.floats(dim * stride),
             values = random.floats(positions * 32);
  std::vector<float> scores(4 * stride), attended(rows * dim);
  for (bool half : {false, true}) {
    loops.attention({queries.data(), dim, rows, positions - rows, dim, keys.data(), stride,
                     values.data(), 32, 1.1f, half, scores.data(), attended.data(), dim});
    append(bytes, attended);
  }
  std::vector<float> out(x.size());
  std::vector<int8_t> quantized(x.size());
  std::vector<uint16_t> halves(x.size());
  loops.rmsNorm(x.data(), w.data(), columns, 1.0f / columns, 1e-5f, out.data());
  append(bytes, out);
  loops.swiglu(x.data(), w.data(), columns * 5, out.data());
  append(bytes, out);
  append(bytes, std::vector<float>{loops.quantizeRow(x.data(), columns, quantized.data()),
                                   loops.absmax(x.data(), 500)});
  append(bytes, quantized);
  loops.roundToHalf(x.data(), x.size(), halves.data());
  append(bytes, halves);
  loops.halfToFloat(halves.data(), x.size(), out.data());
  append(bytes, out);
  const auto large = random.floats(301, 90000.0f);
  append(bytes, std::vector<uint32_t>{loops.countSaturating(large.data(), 301)});
  return bytes;
}

/// A layer in miniature on inputs of all magnitudes; the bytes of its observables.
__attribute__((noinline)) std::string layerObservables(Workers &workers, float magnitude) {
  Random random;
  std::string bytes;
  const uint32_t tokens = 20, channels = 64, heads = 2, dim = 32;
  auto x = random.floats(tokens * channels, magnitude);
  for (size_t i = 0; i < x.size(); i += 3)
    x[i] = x[i] * 0x1p-40f * 0x1p-80f;
  const auto w = random.floats(channels * channels, 0.2f);
  const auto elements = random.integers(channels * channels);
  const auto scales = random.floats(channels, 0x1p-8f), ones = random.floats(channels);
  std::vector<float> normed(x.size()), rowScales(tokens), y(x.size()), attended(x.size()),
      residual(x.size());
  std::vector<int8_t> q(x.size());
  std::vector<uint16_t> halves(x.size());
  uint64_t saturated = 0;
  const QuantizedMatrix matrix{elements.data(), channels, channels, 0,
                               scales.data(),   nullptr,  nullptr};
  const RopeTable table = makeRopeTable(ropeInverseFrequencies(10000.0, dim), tokens, 1.0f);
  rmsNorm(workers, x.data(), tokens, channels, ones.data(), 1e-5f, normed.data());
  quantizeRows(workers, normed.data(), tokens, channels, q.data(), rowScales.data());
  append(bytes, q);
  append(bytes, rowScales);
  quantizedLinear(workers, q.data(), rowScales.data(), tokens, matrix, nullptr, y.data());
  applyRope(y.data(), tokens, heads, dim, 0, table, y.data());
  roundToHalf(y.data(), y.size(), halves.data(), saturated);
  append(bytes, halves);
  attentionHalf(workers, {tokens, 0, heads, heads, dim, 0.18f}, halves.data(), halves.data(),
                halves.data(), channels, attended.data());
  quantizeRows(workers, attended.data(), tokens, channels, q.data(), rowScales.data());
  append(bytes, q);
  append(bytes, rowScales);
  quantizeRows(workers, x.data(), tokens, channels, q.data(), rowScales.data());
  append(bytes, q);
  append(bytes, rowScales);
  if (magnitude >= 1e-3f) { // where the layer's output is not zero throughout
    add(x.data(), y.data(), x.size(), residual.data());
    append(bytes, residual);
  }
  return bytes;
}

} // namespace

TEST_CASE("every instruction set gives the same bytes") {
  const std::string portable = resultsOf(kernelLoopsAt(0));
  REQUIRE(kernelLoopsCount() >= 1);
  for (size_t i = 1; i < kernelLoopsCount(); ++i) {
    CAPTURE(kernelLoopsAt(i).name);
    CHECK(resultsOf(kernelLoopsAt(i)) == portable);
  }
}

TEST_CASE("the number of threads changes nothing") {
  Random random;
  const uint32_t tokens = 33, channels = 300;
  const auto x = random.floats(tokens * channels), w = random.floats(channels * channels);
  std::vector<float> first;
  for (unsigned threads : {1u, 2u, 5u}) {
    Workers workers(threads);
    CHECK(workers.threadCount() == threads);
    std::vector<float> y(x.size());
    linear(workers, x.data(), tokens, {w.data(), channels, 1, channels, channels}, nullptr,
           y.data());
    if (first.empty())
      first = y;
    CHECK(std::memcmp(first.data(), y.data(), y.size() * 4) == 0);
  }
}

TEST_CASE("workers run every iteration once") {
  Workers workers(3);
  for (uint32_t count : {0u, 1u, 2u, 1000u}) {
    std::vector<std::atomic<int>> seen(count);
    for (int repeat = 0; repeat < 50; ++repeat)
      workers.forEach(count, [&](uint32_t i) { ++seen[i]; });
    for (auto &times : seen)
      REQUIRE(times == 50);
  }
}

#if defined(__SSE2__)
TEST_CASE("a layer's observables do not depend on flushing subnormals") {
  Workers workers(1); // the control register is the thread's own
  for (float magnitude : {1.0f, 1e-3f, 0x1p-62f, 0x1p-90f}) {
    const unsigned saved = _mm_getcsr();
    _mm_setcsr(saved & ~0x8040u);
    const std::string kept = layerObservables(workers, magnitude);
    _mm_setcsr(saved | 0x8040u);
    const std::string flushed = layerObservables(workers, magnitude);
    _mm_setcsr(saved);
    CAPTURE(magnitude);
    CHECK(kept == flushed);
  }
}
#endif
