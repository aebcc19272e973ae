// The shared numerics header against double arithmetic and naive forms of docs/numerics.md.
#include "runtime/base/numerics.h"

#include "catch2/catch.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

extern "C" uint32_t numericsFromC(float x, float *row, int8_t *quantized, uint32_t n);

namespace {

const float infinity = std::numeric_limits<float>::infinity();
const float quietNan = std::numeric_limits<float>::quiet_NaN();

/// A deterministic generator; the tests need coverage, not quality.
struct Random {
  uint32_t state;
  uint32_t next() {
    state = state * 1664525u + 1013904223u;
    return state ^ (state >> 15);
  }
  float uniform(float low, float high) {
    return low + (high - low) * (static_cast<float>(next() >> 8) * 0x1p-24f);
  }
};

/// Distance of `got` from `exact` in units of the last place of a float as large as `exact`.
double ulpError(float got, double exact) {
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::fabs(static_cast<double>(got) - exact) / std::ldexp(1.0, exponent - 24);
}

/// The largest error of `function` over every normal exponent and 4,096 mantissas each, where
/// the exact result is a normal float.
template <class F, class G> double worstUlp(F function, G exact, bool negatives) {
  Random random{1};
  double worst = 0;
  for (uint32_t exponent = 1; exponent < 255; ++exponent)
    for (uint32_t i = 0; i < 4096; ++i) {
      // Mantissa ends are always among the samples.
      uint32_t mantissa = i < 8 ? i : i < 16 ? 0x7fffffu - (i - 8) : random.next() & 0x7fffffu;
      for (uint32_t sign = 0; sign < (negatives ? 2u : 1u); ++sign) {
        float x = llmc_float((sign << 31) | (exponent << 23) | mantissa);
        double want = exact(static_cast<double>(x));
        double magnitude = std::fabs(want);
        if (magnitude < 0x1p-126 || magnitude > std::numeric_limits<float>::max())
          continue;
        worst = std::max(worst, ulpError(function(x), want));
      }
    }
  return worst;
}

/// binary16 rounding from its definition: a multiple of the quantum of the binade, ties to even.
double roundToHalf(double x) {
  if (x == 0 || std::isnan(x) || std::isinf(x))
    return x;
  int exponent = 0;
  std::frexp(x, &exponent); // |x| in [2^(exponent-1), 2^exponent)
  double quantum = std::ldexp(1.0, std::max(exponent - 1, -14) - 10);
  double rounded = std::nearbyint(x / quantum) * quantum;
  return std::fabs(rounded) >= 65536 ? std::copysign(HUGE_VAL, x) : rounded;
}

double observableHalf(double x) {
  double rounded = roundToHalf(x);
  if (std::isinf(rounded) && !std::isinf(x))
    return std::copysign(65504.0, x);
  return std::fabs(rounded) < 0x1p-14 ? 0.0 : rounded;
}

void checkHalf(float x) {
  CAPTURE(x);
  if (std::isnan(x)) {
    REQUIRE(std::isnan(llmc_round_f16(x)));
    REQUIRE(std::isnan(llmc_f16_bits_to_f32(llmc_f32_to_f16_ieee(x))));
    return;
  }
  float ieee = llmc_f16_bits_to_f32(llmc_f32_to_f16_ieee(x));
  REQUIRE(static_cast<double>(ieee) == roundToHalf(x));
  REQUIRE(std::signbit(ieee) == std::signbit(x));
  float observable = llmc_round_f16(x);
  REQUIRE(static_cast<double>(observable) == observableHalf(x));
  REQUIRE((observable != 0 || !std::signbit(observable)));
  REQUIRE((llmc_f16_saturates(x) != 0) == (std::isfinite(x) && std::isinf(roundToHalf(x))));
}

} // namespace

TEST_CASE("recip, rsqrt and exp are within 2 ulp over all exponents") {
  CHECK(worstUlp(llmc_recip, [](double x) { return 1 / x; }, true) <= 2.0);
  CHECK(worstUlp(llmc_rsqrt, [](double x) { return 1 / std::sqrt(x); }, false) <= 2.0);
  CHECK(worstUlp(llmc_exp, [](double x) { return std::exp(x); }, true) <= 2.0);
}

TEST_CASE("exp is within 2 ulp over its whole useful range") {
  double worst = 0;
  for (int i = -8734; i <= 8872; ++i)
    for (int k = 0; k < 64; ++k) {
      float x = (static_cast<float>(i) + static_cast<float>(k) / 64.0f) / 100.0f;
      double want = std::exp(static_cast<double>(x));
      if (want >= 0x1p-126 && want <= std::numeric_limits<float>::max())
        worst = std::max(worst, ulpError(llmc_exp(x), want));
    }
  CHECK(worst <= 2.0);
}

TEST_CASE("the elementary functions at their ends") {
  CHECK(llmc_recip(1.0f) == 1.0f);
  CHECK(llmc_recip(0x1p126f) == 0x1p-126f);
  CHECK(llmc_bits(llmc_recip(-infinity)) == 0x80000000u);
  CHECK(llmc_recip(0.0f) == infinity);
  CHECK(llmc_recip(-0.0f) == -infinity);
  CHECK(llmc_bits(llmc_recip(0x1.8p126f)) == 0u);
  CHECK(llmc_recip(-0x1p-127f) == -infinity); // a subnormal counts as zero
  CHECK(std::isnan(llmc_recip(quietNan)));
  CHECK(llmc_rsqrt(0.0f) == infinity);
  CHECK(llmc_rsqrt(0x1p-130f) == infinity);
  CHECK(llmc_rsqrt(-0x1p-130f) == infinity);
  CHECK(llmc_bits(llmc_rsqrt(infinity)) == 0u);
  CHECK(std::isnan(llmc_rsqrt(-1.0f)));
  CHECK(std::isnan(llmc_rsqrt(-infinity)));
  CHECK(std::isnan(llmc_rsqrt(quietNan)));
  CHECK(llmc_exp(0.0f) == 1.0f);
  CHECK(llmc_exp(-0.0f) == 1.0f);
  CHECK(llmc_bits(llmc_exp(-87.4f)) == 0u);
  CHECK(llmc_bits(llmc_exp(-infinity)) == 0u);
  CHECK(llmc_exp(88.73f) == infinity);
  CHECK(llmc_exp(infinity) == infinity);
  CHECK(std::isnan(llmc_exp(quietNan)));
}

TEST_CASE("sigmoid is its stated composition") {
  Random random{2};
  for (int i = 0; i < 100000; ++i) {
    float g = random.uniform(-100.0f, 100.0f);
    float clamped = std::min(std::max(g, -80.0f), 80.0f);
    CAPTURE(g);
    REQUIRE(llmc_sigmoid(g) == llmc_recip(1.0f + llmc_exp(-clamped)));
    double exact = 1 / (1 + std::exp(-static_cast<double>(clamped)));
    REQUIRE(llmc_sigmoid(g) == Approx(exact).epsilon(1e-6));
  }
  CHECK(llmc_sigmoid(-infinity) == llmc_sigmoid(-80.0f));
  CHECK(llmc_sigmoid(infinity) == 1.0f);
  CHECK(std::isnan(llmc_sigmoid(quietNan)));
}

TEST_CASE("softmax weights are halves of 2^15 e^delta, cut below -20") {
  CHECK(llmc_softmax_weight(0.0f) == 32768.0f);
  CHECK(llmc_softmax_weight(-20.0f) == llmc_round_f16(32768.0f * llmc_exp(-20.0f)));
  CHECK(llmc_softmax_weight(-19.0f) == Approx(32768 * std::exp(-19.0)).epsilon(1e-3));
  CHECK(llmc_bits(llmc_softmax_weight(std::nextafter(-20.0f, -21.0f))) == 0u);
  CHECK(llmc_bits(llmc_softmax_weight(-infinity)) == 0u);
  CHECK(std::isnan(llmc_softmax_weight(quietNan)));
  CHECK(llmc_swiglu(1.5f, -2.0f) == (1.5f * llmc_sigmoid(1.5f)) * -2.0f);
}

TEST_CASE("every half decodes exactly and comes back") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    uint32_t magnitude = bits & 0x7fff, exponent = magnitude >> 10, mantissa = magnitude & 0x3ff;
    float got = llmc_f16_bits_to_f32(static_cast<uint16_t>(bits));
    CAPTURE(bits);
    REQUIRE(std::signbit(got) == (bits >= 0x8000));
    if (exponent == 31) {
      REQUIRE((mantissa ? std::isnan(got) : std::isinf(got)));
    } else {
      double want = exponent ? std::ldexp(1024.0 + mantissa, static_cast<int>(exponent) - 25)
                             : std::ldexp(static_cast<double>(mantissa), -24);
      REQUIRE(std::fabs(static_cast<double>(got)) == want);
      REQUIRE(llmc_f32_to_f16_ieee(got) == bits);
      if (exponent != 0)
        REQUIRE(llmc_f32_to_f16(got) == bits);
      else
        REQUIRE(llmc_f32_to_f16(got) == 0);
    }
  }
}

TEST_CASE("rounding to half around every boundary") {
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    double low = llmc_f16_bits_to_f32(static_cast<uint16_t>(bits));
    double high = bits + 1 < 0x7c00 ? llmc_f16_bits_to_f32(static_cast<uint16_t>(bits + 1)) : 65536;
    for (double anchor : {low, (low + high) / 2, low + (high - low) / 4})
      for (int step = -2; step <= 2; ++step) {
        uint32_t pattern = llmc_bits(static_cast<float>(anchor));
        if (step < 0 && pattern < 2)
          continue;
        float x = llmc_float(pattern + static_cast<uint32_t>(step));
        checkHalf(x);
        checkHalf(-x);
      }
  }
  for (float x : {65519.996f, 65520.0f, 1e30f, infinity, quietNan, 0x1.ffcp-15f, 0x1.ffap-15f,
                  0x1.ffdffep-15f, 0x1p-25f, 0x1.000002p-25f, 1e-40f}) {
    checkHalf(x);
    checkHalf(-x);
  }
  Random random{3};
  for (int i = 0; i < 200000; ++i)
    checkHalf(llmc_float(random.next()));
}

TEST_CASE("vector reductions follow the stated order") {
  Random random{4};
  for (uint32_t n : {0u, 1u, 7u, 15u, 16u, 17u, 31u, 32u, 100u, 288u, 1001u}) {
    std::vector<float> x(n);
    for (float &v : x)
      v = random.uniform(-1.0f, 1.0f) * std::ldexp(1.0f, static_cast<int>(random.next() % 12));
    float sums[16] = {}, squares[16] = {};
    for (uint32_t i = 0; i < n; ++i) {
      sums[i % 16] = sums[i % 16] + x[i];
      float square = x[i] * x[i];
      squares[i % 16] = squares[i % 16] + square;
    }
    auto tree = [](const float *v) {
      float a[8], b[4];
      for (int i = 0; i < 8; ++i)
        a[i] = v[i] + v[i + 8];
      for (int i = 0; i < 4; ++i)
        b[i] = a[i] + a[i + 4];
      return (b[0] + b[2]) + (b[1] + b[3]);
    };
    CAPTURE(n);
    REQUIRE(llmc_bits(llmc_sum16(x.data(), n)) == llmc_bits(tree(sums)));
    REQUIRE(llmc_bits(llmc_sum16_squares(x.data(), n)) == llmc_bits(tree(squares)));
    // Fed in pieces of any size, the order is by absolute index all the same.
    float lanes[16] = {};
    for (uint32_t at = 0; at < n;) {
      uint32_t piece = std::min(n - at, 1 + random.next() % 40);
      llmc_lanes_add(lanes, x.data() + at, at, piece);
      at += piece;
    }
    REQUIRE(llmc_bits(llmc_lanes_sum(lanes)) == llmc_bits(tree(sums)));
  }
}

TEST_CASE("maxima") {
  std::vector<float> x(100, -3.0f);
  x[57] = -1.5f;
  CHECK(llmc_max(x.data(), 100) == -1.5f);
  CHECK(llmc_max(x.data(), 0) == -infinity);
  CHECK(llmc_absmax(x.data(), 100) == 3.0f);
  CHECK(llmc_absmax(x.data(), 0) == 0.0f);
  x[99] = -infinity;
  CHECK(llmc_absmax(x.data(), 100) == infinity);
  x[3] = quietNan;
  CHECK(std::isnan(llmc_absmax(x.data(), 100)));
  CHECK(llmc_max(x.data(), 100) == -1.5f);
}

TEST_CASE("a row is quantized as stated") {
  Random random{5};
  for (int exponent = -64; exponent < 124; ++exponent) {
    std::vector<float> x(67);
    for (float &v : x)
      v = std::ldexp(random.uniform(-1.9f, 1.9f), exponent);
    x[5] = std::ldexp(1.75f, exponent);
    std::vector<int8_t> q(67, 99);
    float absmax = 0;
    for (float v : x)
      absmax = std::max(absmax, std::fabs(v));
    float scale = llmc_quantize_row(x.data(), 67, q.data());
    CAPTURE(exponent);
    if (absmax < 0x1p-60f) {
      REQUIRE(scale == 0.0f);
      for (int8_t v : q)
        REQUIRE(v == 0);
    } else if (absmax >= 0x1p120f) {
      REQUIRE(scale == infinity);
    } else {
      REQUIRE(scale == absmax * (1.0f / 127.0f));
      float inverse = 127.0f * llmc_recip(absmax);
      for (size_t i = 0; i < 67; ++i) {
        float rounded = std::nearbyint(x[i] * inverse);
        REQUIRE(q[i] == static_cast<int>(std::min(std::max(rounded, -127.0f), 127.0f)));
      }
    }
  }
}

TEST_CASE("NaN and infinity in a row reach its scale") {
  std::vector<float> x(40, 1.0f);
  std::vector<int8_t> q(40);
  x[39] = -infinity;
  CHECK(llmc_quantize_row(x.data(), 40, q.data()) == infinity);
  x[0] = quietNan;
  CHECK(std::isnan(llmc_quantize_row(x.data(), 40, q.data())));
}

TEST_CASE("C and C++ give the same bits") {
  Random random{7};
  std::vector<float> row(53);
  std::vector<int8_t> fromC(row.size()), fromCpp(row.size());
  const uint32_t n = static_cast<uint32_t>(row.size());
  for (int i = 0; i < 2000; ++i) {
    for (float &v : row)
      v = random.uniform(-5.0f, 5.0f);
    const float x = random.uniform(-30.0f, 30.0f);
    uint32_t hash = llmc_bits(llmc_recip(x)) * 31u + llmc_bits(llmc_rsqrt(x));
    hash = hash * 31u + llmc_bits(llmc_exp(x));
    hash = hash * 31u + llmc_bits(llmc_swiglu(x, x));
    hash = hash * 31u + llmc_bits(llmc_softmax_weight(x));
    hash = hash * 31u + llmc_f32_to_f16_ieee(x);
    hash = hash * 31u + llmc_bits(llmc_max(row.data(), n));
    hash = hash * 31u + llmc_bits(llmc_sum16(row.data(), n));
    hash = hash * 31u + llmc_bits(llmc_quantize_row(row.data(), n, fromCpp.data()));
    REQUIRE(numericsFromC(x, row.data(), fromC.data(), n) == hash);
    REQUIRE(fromC == fromCpp);
  }
}

TEST_CASE("int8 rounding is to nearest even and clamped") {
  for (int i = -1024; i <= 1024; ++i) {
    float x = static_cast<float>(i) / 8.0f;
    float want = std::min(std::max(std::nearbyint(x), -127.0f), 127.0f);
    REQUIRE(llmc_quantize_i8(x, 1.0f) == static_cast<int>(want));
  }
  CHECK(llmc_quantize_i8(1e30f, 1.0f) == 127);
  CHECK(llmc_quantize_i8(-1e30f, 1.0f) == -127);
}

#if defined(__SSE2__)
namespace {

/// Everything observable that the header computes from `input`, as bytes.
__attribute__((noinline)) std::vector<uint8_t> observables(const std::vector<float> &input) {
  std::vector<float> values;
  std::vector<uint16_t> halves;
  for (float x : input) {
    for (float y : {llmc_recip(x), llmc_rsqrt(x), llmc_exp(x), llmc_sigmoid(x),
                    llmc_softmax_weight(x), llmc_round_f16(x)})
      values.push_back(y);
    halves.push_back(llmc_f32_to_f16(x));
    halves.push_back(llmc_f32_to_f16(x * 0x1p-100f));
  }
  std::vector<int8_t> q(input.size());
  constexpr uint32_t row = 48;
  for (uint32_t i = 0; i + row <= input.size(); i += row) {
    values.push_back(llmc_quantize_row(&input[i], row, &q[i]));
    float normed[row], ones[row];
    for (float &one : ones)
      one = 1.0f;
    llmc_rms_norm_row(&input[i], ones, row, 1.0f / row, 1e-5f, normed);
    int8_t quantized[row];
    values.push_back(llmc_quantize_row(normed, row, quantized));
    q.insert(q.end(), quantized, quantized + row);
  }
  std::vector<uint8_t> bytes(values.size() * 4 + halves.size() * 2 + q.size());
  std::memcpy(bytes.data(), values.data(), values.size() * 4);
  std::memcpy(bytes.data() + values.size() * 4, halves.data(), halves.size() * 2);
  std::memcpy(bytes.data() + values.size() * 4 + halves.size() * 2, q.data(), q.size());
  return bytes;
}

/// Out of line, so that the product is not moved across a change of the control register.
__attribute__((noinline)) bool halvesToZero(float x) {
  volatile float half = 0.5f;
  volatile float product = x * half;
  return llmc_bits(product) == 0;
}

} // namespace

TEST_CASE("observables do not depend on flushing subnormals") {
  Random random{6};
  std::vector<float> input;
  for (uint32_t row = 0; row < 400; ++row) // rows of 48 around every exponent, subnormals included
    for (uint32_t i = 0; i < 48; ++i) {
      uint32_t exponent = (row * 254) / 400, spread = random.next() % 40;
      exponent = exponent > spread ? exponent - spread : 0;
      uint32_t pattern = (random.next() & 0x807fffffu) | (exponent << 23);
      input.push_back(llmc_float(pattern));
    }
  unsigned saved = _mm_getcsr();
  _mm_setcsr(saved & ~0x8040u);
  std::vector<uint8_t> kept = observables(input);
  _mm_setcsr(saved | 0x8040u);
  std::vector<uint8_t> flushed = observables(input);
  bool flushes = halvesToZero(0x1p-126f);
  _mm_setcsr(saved);
  REQUIRE(flushes);
  REQUIRE(kept == flushed);
}
#endif
