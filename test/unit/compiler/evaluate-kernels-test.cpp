// The reference kernels against scalar versions written from docs/numerics.md, bit for bit.
#include "compiler/Evaluate/Kernels.h"
#include "runtime/base/numerics.h"
#include "test/unit/compiler/evaluate-test-support.h"

#include "catch2/catch.hpp"

#include <cmath>
#include <cstring>
#include <limits>

using namespace llmc::evaluate;
using llmc::evaluate::test::Random;
using llmc::evaluate::test::sameBytes;

namespace {

const uint32_t tokenCounts[] = {1, 2, 3, 4, 5, 16, 63};

/// acc = acc + float(dot_g) * s_w[g], groups ascending, then * s_a, then bias.
float plainQuantizedOutput(const int8_t *x, float rowScale, const QuantizedMatrix &w, uint32_t n,
                           const float *bias) {
  float sum = 0;
  const uint32_t groups = w.groups();
  int32_t whole = 0;
  for (uint32_t g = 0; g < groups; ++g) {
    int32_t dot = 0;
    for (uint32_t k = g * w.block; k < w.columns && (w.block == 0 || k < (g + 1) * w.block); ++k) {
      const int multiplier = w.multipliers ? w.multipliers[n * groups + g] : 1;
      dot += x[k] * (multiplier * w.elements[size_t{n} * w.columns + k]);
    }
    whole += dot;
    if (!w.multipliers) {
      const float scale = w.halfScales ? llmc_f16_bits_to_f32(w.halfScales[n * groups + g])
                                       : w.scales[n * groups + g];
      const float term = static_cast<float>(dot) * scale;
      sum = sum + term;
    }
  }
  if (w.multipliers)
    sum = 0.0f + static_cast<float>(whole) * w.scales[n];
  sum = sum * rowScale;
  return bias ? sum + bias[n] : sum;
}

struct QuantizedCase {
  std::vector<int8_t> elements;
  std::vector<float> scales;
  std::vector<uint16_t> halfScales;
  std::vector<uint8_t> multipliers;
  QuantizedMatrix matrix;

  enum Kind { PerChannel, Multipliers, HalfGroups, FloatGroups };
  QuantizedCase(Random &random, Kind kind, uint32_t rows, uint32_t columns, uint32_t block) {
    elements = kind == PerChannel ? random.integers(size_t{rows} * columns, -127, 127)
                                  : random.integers(size_t{rows} * columns, -8, 7);
    matrix.rows = rows;
    matrix.columns = columns;
    matrix.block = block;
    const size_t groups = size_t{rows} * matrix.groups();
    scales = random.floats(kind == FloatGroups ? groups : rows, 0.02f); // negative ones among them
    halfScales = random.halves(groups);
    halfScales[0] = 0x0003; // a subnormal scale decodes exactly
    for (size_t i = 0; i < groups; ++i)
      multipliers.push_back(static_cast<uint8_t>(1 + random.next() % 16));
    matrix.elements = elements.data();
    matrix.scales = kind == HalfGroups ? nullptr : scales.data();
    matrix.halfScales = kind == HalfGroups ? halfScales.data() : nullptr;
    matrix.multipliers = kind == Multipliers ? multipliers.data() : nullptr;
  }
};

void checkQuantizedLinear(Random &random, const QuantizedMatrix &w) {
  Workers workers(2);
  const auto bias = random.floats(w.rows);
  for (uint32_t tokens : tokenCounts) {
    const auto x = random.integers(size_t{tokens} * w.columns, -127, 127);
    const auto rowScales = random.floats(tokens, 0.1f);
    for (const float *b : {static_cast<const float *>(nullptr), bias.data()}) {
      std::vector<float> got(size_t{tokens} * w.rows), want(got.size());
      quantizedLinear(workers, x.data(), rowScales.data(), tokens, w, b, got.data());
      for (uint32_t m = 0; m < tokens; ++m)
        for (uint32_t n = 0; n < w.rows; ++n)
          want[m * w.rows + n] =
              plainQuantizedOutput(x.data() + m * w.columns, rowScales[m], w, n, b);
      CAPTURE(tokens, w.columns, w.block);
      REQUIRE(sameBytes(got, want));
    }
  }
}

} // namespace

TEST_CASE("fp32 linear adds in ascending order, whatever the strides") {
  Random random;
  Workers workers(2);
  const uint32_t rows = 37;
  for (uint32_t columns : {1u, 15u, 100u, 256u}) {
    const auto w = random.floats(size_t{rows} * columns), bias = random.floats(rows);
    std::vector<float> transposed(w.size());
    for (uint32_t n = 0; n < rows; ++n)
      for (uint32_t k = 0; k < columns; ++k)
        transposed[k * rows + n] = w[n * columns + k];
    for (uint32_t tokens : tokenCounts) {
      const auto x = random.floats(size_t{tokens} * columns);
      std::vector<float> want(tokens * rows), got(want.size()), gotTransposed(want.size());
      for (uint32_t m = 0; m < tokens; ++m)
        for (uint32_t n = 0; n < rows; ++n) {
          float sum = 0;
          for (uint32_t k = 0; k < columns; ++k) {
            const float product = x[m * columns + k] * w[n * columns + k];
            sum = sum + product;
          }
          want[m * rows + n] = sum + bias[n];
        }
      linear(workers, x.data(), tokens, {w.data(), columns, 1, rows, columns}, bias.data(),
             got.data());
      linear(workers, x.data(), tokens, {transposed.data(), 1, rows, rows, columns}, bias.data(),
             gotTransposed.data());
      REQUIRE(sameBytes(got, want));
      REQUIRE(sameBytes(gotTransposed, want));
    }
  }
}

TEST_CASE("quantized linear, one scale per channel") {
  Random random;
  for (uint32_t columns : {1u, 7u, 64u, 301u}) {
    QuantizedCase c(random, QuantizedCase::PerChannel, 35, columns, 0);
    checkQuantizedLinear(random, c.matrix);
  }
}

TEST_CASE("quantized linear, integer multipliers") {
  Random random;
  for (uint32_t block : {16u, 32u, 5u})
    for (uint32_t columns : {3u, 64u, 300u}) {
      QuantizedCase c(random, QuantizedCase::Multipliers, 35, columns, block);
      checkQuantizedLinear(random, c.matrix);
    }
}

TEST_CASE("quantized linear, group scales") {
  Random random;
  for (uint32_t block : {32u, 128u, 5u})
    for (uint32_t columns : {3u, 256u, 301u}) {
      QuantizedCase half(random, QuantizedCase::HalfGroups, 35, columns, block);
      checkQuantizedLinear(random, half.matrix);
      QuantizedCase full(random, QuantizedCase::FloatGroups, 35, columns, block);
      checkQuantizedLinear(random, full.matrix);
    }
}

TEST_CASE("the largest int8 layer stays exact") {
  const uint32_t columns = 131072, rows = 2;
  std::vector<int8_t> elements(size_t{rows} * columns, -128), x(size_t{4} * columns, 127);
  std::vector<float> scales(rows, 1.0f), rowScales(4, 1.0f), y(4 * rows);
  Workers workers(1);
  QuantizedMatrix w{elements.data(), rows, columns, 0, scales.data(), nullptr, nullptr};
  for (uint32_t tokens : {1u, 4u}) {
    quantizedLinear(workers, x.data(), rowScales.data(), tokens, w, nullptr, y.data());
    CHECK(y[0] == static_cast<float>(-128 * 127 * 131072));
    CHECK(y[rows * tokens - 1] == static_cast<float>(-128 * 127 * 131072));
  }
}

TEST_CASE("embedding gathers, dequantizes and checks ids") {
  Random random;
  const auto table = random.floats(20 * 33);
  const int32_t ids[] = {19, 0, 7};
  std::vector<float> y(3 * 33);
  REQUIRE(embed(ids, 3, {table.data(), 33, 1, 20, 33}, y.data()) == -1);
  CHECK(std::memcmp(y.data(), table.data() + 19 * 33, 33 * 4) == 0);
  for (auto kind :
       {QuantizedCase::PerChannel, QuantizedCase::Multipliers, QuantizedCase::HalfGroups}) {
    const uint32_t block = kind == QuantizedCase::PerChannel ? 0 : 16;
    QuantizedCase c(random, kind, 20, 33, block);
    REQUIRE(quantizedEmbed(ids, 3, c.matrix, y.data()) == -1);
    for (uint32_t m = 0; m < 3; ++m)
      for (uint32_t k = 0; k < 33; ++k) {
        const size_t row = static_cast<size_t>(ids[m]),
                     group = row * c.matrix.groups() + k / (block ? block : 33);
        const int q = c.elements[row * 33 + k] * (c.matrix.multipliers ? c.multipliers[group] : 1);
        const float s =
            c.matrix.halfScales ? llmc_f16_bits_to_f32(c.halfScales[group]) : c.scales[row];
        REQUIRE(y[m * 33 + k] == static_cast<float>(q) * s);
      }
  }
  const int32_t tooLarge[] = {3, 20}, negative[] = {-1};
  CHECK(embed(tooLarge, 2, {table.data(), 33, 1, 20, 33}, y.data()) == 1);
  CHECK(embed(negative, 1, {table.data(), 33, 1, 20, 33}, y.data()) == 0);
}

TEST_CASE("norm, activation, residual and row quantization") {
  Random random;
  Workers workers(2);
  const uint32_t tokens = 9, channels = 288;
  const auto x = random.floats(tokens * channels, 4.0f), u = random.floats(tokens * channels),
             w = random.floats(channels);
  std::vector<float> y(x.size()), scales(tokens);
  rmsNorm(workers, x.data(), tokens, channels, w.data(), 1e-5f, y.data());
  for (uint32_t m = 0; m < tokens; ++m) {
    const float *row = x.data() + m * channels;
    const float mean = llmc_sum16_squares(row, channels) * (1.0f / static_cast<float>(channels));
    const float factor = llmc_rsqrt(mean + 1e-5f);
    for (uint32_t k = 0; k < channels; ++k)
      REQUIRE(y[m * channels + k] == (row[k] * factor) * w[k]);
  }
  swiglu(workers, x.data(), u.data(), x.size(), y.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const float sigmoid = llmc_recip(1.0f + llmc_exp(-x[i]));
    REQUIRE(y[i] == (x[i] * sigmoid) * u[i]);
  }
  REQUIRE(add(x.data(), u.data(), x.size(), y.data()) == allFinite);
  for (size_t i = 0; i < x.size(); ++i)
    REQUIRE(y[i] == x[i] + u[i]);
  std::vector<int8_t> q(x.size());
  REQUIRE(quantizeRows(workers, x.data(), tokens, channels, q.data(), scales.data()) == allFinite);
  for (uint32_t m = 0; m < tokens; ++m) {
    float most = 0;
    for (uint32_t k = 0; k < channels; ++k)
      most = std::max(most, std::fabs(x[m * channels + k]));
    REQUIRE(scales[m] == most * (1.0f / 127.0f));
    const float inverse = 127.0f * llmc_recip(most);
    for (uint32_t k = 0; k < channels; ++k)
      REQUIRE(static_cast<float>(q[m * channels + k]) ==
              std::min(std::max(std::nearbyint(x[m * channels + k] * inverse), -127.0f), 127.0f));
  }
}

TEST_CASE("the place of the first NaN or infinity is found") {
  Workers workers(1);
  std::vector<float> x(10000, 1.0f), y(10000), scales(10);
  std::vector<int8_t> q(10000);
  CHECK(firstNonFinite(x.data(), x.size()) == allFinite);
  x[9999] = std::numeric_limits<float>::quiet_NaN();
  CHECK(firstNonFinite(x.data(), x.size()) == 9999);
  x[4097] = -std::numeric_limits<float>::infinity();
  CHECK(firstNonFinite(x.data(), x.size()) == 4097);
  CHECK(quantizeRows(workers, x.data(), 10, 1000, q.data(), scales.data()) == 4);
  CHECK(add(x.data(), x.data(), x.size(), y.data()) == 4097);
  std::vector<uint16_t> halves(10000);
  uint64_t saturated = 0;
  x[12] = 65520.0f;
  x[13] = -1e9f;
  CHECK(roundToHalf(x.data(), x.size(), halves.data(), saturated) == 4097);
  CHECK(saturated == 2);
  CHECK(halves[12] == 0x7bff);
  CHECK(halves[13] == 0xfbff);
  CHECK(halves[4097] == 0xfc00);
}

TEST_CASE("the rotary table is correctly rounded and rotates half-split") {
  const auto inverse = ropeInverseFrequencies(10000.0, 32);
  REQUIRE(inverse.size() == 16);
  CHECK(inverse[0] == 1.0f);
  CHECK(inverse[8] == 0.01f);
  const RopeTable table = makeRopeTable(inverse, 600, 1.0f);
  for (uint32_t pos = 0; pos < 600; ++pos)
    for (uint32_t i = 0; i < 16; ++i) {
      const double angle = static_cast<float>(pos) * inverse[i];
      for (auto [got, exact] : {std::pair(table.cos[pos * 16 + i], std::cos(angle)),
                                std::pair(table.sin[pos * 16 + i], std::sin(angle))}) {
        const double error = std::fabs(got - exact);
        REQUIRE(error <= std::fabs(std::nextafter(got, 2.0f) - exact) + 1e-16);
        REQUIRE(error <= std::fabs(std::nextafter(got, -2.0f) - exact) + 1e-16);
      }
    }
  Random random;
  const uint32_t heads = 3, dim = 40, position = 17; // 32 of 40 dimensions turn
  const auto x = random.floats(4 * heads * dim);
  std::vector<float> y(x.size());
  applyRope(x.data(), 4, heads, dim, position, table, y.data());
  for (size_t at = 0; at < x.size(); ++at) {
    const size_t row = at / (heads * dim), head = at - at % dim, d = at % dim, i = d % 16;
    const float c = table.cos[(position + row) * 16 + i], s = table.sin[(position + row) * 16 + i];
    const float x1 = x[head + i], x2 = x[head + 16 + i];
    const float a = d < 16 ? x1 * c : x2 * c, b = d < 16 ? x2 * s : x1 * s;
    REQUIRE(y[at] == (d >= 32 ? x[at] : d < 16 ? a - b : a + b));
  }
  const RopeTable scaled = makeRopeTable(inverse, 5, 1.25f);
  CHECK(scaled.cos[4 * 16 + 3] == table.cos[4 * 16 + 3] * 1.25f);
}
