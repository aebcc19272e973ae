// Weight formats and rounding, judged by a rounding written plainly from docs/numerics.md.
#include "passes/Algorithms/WeightFormat.h"
#include "passes/Algorithms/WeightRounding.h"
#include "runtime/base/numerics.h"

#include "catch2/catch.hpp"

#include <cmath>
#include <cstring>
#include <limits>

using namespace llmc::passes;

namespace {

struct Random {
  uint32_t state = 1;
  uint32_t next() {
    state = state * 1664525u + 1013904223u;
    return state ^ (state >> 15);
  }
  float uniform() { return static_cast<float>(next() >> 8) * 0x1p-23f - 1.0f; }
};

/// Rows of uneven groups: ordinary, all zero, below 2^-60, tiny, with an outlier, with ties.
std::vector<float> testWeights(uint32_t rows, uint32_t columns, uint32_t block) {
  Random random;
  std::vector<float> weights(size_t{rows} * columns);
  for (uint32_t n = 0; n < rows; ++n)
    for (uint32_t k = 0; k < columns; ++k) {
      float &w = weights[size_t{n} * columns + k];
      const uint32_t group = k / block;
      w = random.uniform() * std::ldexp(1.0f, static_cast<int>((n * 7 + group * 3) % 9) - 6);
      switch ((n * 5 + group) % 8) {
      case 1:
        w = 0;
        break;
      case 2:
        w = random.uniform() * 0x1p-61f;
        break;
      case 3:
        w *= 0x1p-20f;
        break;
      case 4:
        w *= random.next() % 29 == 0 ? 8.0f : 1.0f;
        break;
      case 5:
        w = static_cast<float>(static_cast<int>(random.next() % 29) - 14) * 0.5f;
        break;
      }
      if (n % 11 == 10)
        w = random.uniform() * 0x1p-62f; // a row that counts as zero
    }
  return weights;
}

float magnitudeOf(const std::vector<float> &group) {
  float most = 0;
  for (float w : group)
    most = std::fabs(w) > most ? std::fabs(w) : most;
  return most;
}

int roundClamped(float quotient, int low, int high) {
  const float rounded = std::nearbyint(quotient);
  return rounded < static_cast<float>(low)    ? low
         : rounded > static_cast<float>(high) ? high
                                              : static_cast<int>(rounded);
}

struct Group {
  std::vector<int> q;
  float scale = 1;    ///< w8, w4-g.
  int multiplier = 1; ///< w4-m.
};

Group plainW8(const std::vector<float> &w) {
  Group group;
  const bool zero = magnitudeOf(w) < 0x1p-60f;
  group.scale = zero ? 1.0f : magnitudeOf(w) / 127.0f;
  for (float x : w)
    group.q.push_back(zero ? 0 : roundClamped(x / group.scale, -127, 127));
  return group;
}

Group plainW4(const std::vector<float> &w) {
  Group group;
  const float half = llmc_f16_bits_to_f32(llmc_f32_to_f16_ieee(magnitudeOf(w) / 7.0f));
  const bool zero = magnitudeOf(w) < 0x1p-60f || half == 0.0f;
  group.scale = zero ? 1.0f : half;
  for (float x : w)
    group.q.push_back(zero ? 0 : roundClamped(x / group.scale, -8, 7));
  return group;
}

double plainError(const std::vector<float> &w, float t) {
  double sum = 0;
  for (float x : w) {
    const float value = static_cast<float>(roundClamped(x / t, -8, 7)) * t;
    const float difference = value - x;
    sum = sum + static_cast<double>(difference) * static_cast<double>(difference);
  }
  return sum;
}

Group plainMultiplier(const std::vector<float> &w, float r) {
  Group group;
  if (magnitudeOf(w) < 0x1p-60f) {
    group.q.assign(w.size(), 0);
    return group;
  }
  const float ratio = (magnitudeOf(w) / 7.0f) / r;
  const int near = roundClamped(ratio, 1, 16), up = roundClamped(std::ceil(ratio), 1, 16);
  const bool takeUp =
      plainError(w, r * static_cast<float>(up)) < plainError(w, r * static_cast<float>(near));
  group.multiplier = takeUp ? up : near;
  for (float x : w)
    group.q.push_back(roundClamped(x / (r * static_cast<float>(group.multiplier)), -8, 7));
  return group;
}

std::vector<std::vector<float>> groupsOf(const float *row, uint32_t columns, uint32_t block) {
  std::vector<std::vector<float>> groups;
  for (uint32_t k = 0; k < columns; k += block)
    groups.emplace_back(row + k, row + std::min(columns, k + block));
  return groups;
}

/// Judges one row of `got` against the plain rounding of `row`.
void judgeRow(const RoundedWeights &got, uint32_t n, const float *row) {
  const uint32_t block = got.format.block ? got.format.block : got.columns;
  const auto groups = groupsOf(row, got.columns, block);
  float r = 0;
  for (const auto &w : groups)
    r = std::max(r, magnitudeOf(w) < 0x1p-60f ? 0.0f : magnitudeOf(w) / 7.0f);
  r = r == 0.0f ? 1.0f : r / 16.0f;
  std::vector<int8_t> decoded(got.columns);
  std::vector<float> values(got.columns);
  decodeRow(got, n, values.data());
  if (got.format.decodesToInt8())
    decodeRowToInt8(got, n, decoded.data());
  for (uint32_t g = 0; g < groups.size(); ++g) {
    const size_t at = size_t{n} * groups.size() + g;
    CAPTURE(n, g);
    Group want;
    if (got.format.scale == WeightScale::F32) {
      want = plainW8(groups[g]);
      REQUIRE(got.scales[at] == want.scale);
    } else if (got.format.scale == WeightScale::F16) {
      want = plainW4(groups[g]);
      REQUIRE(llmc_f16_bits_to_f32(got.halfScales[at]) == want.scale);
    } else {
      want = plainMultiplier(groups[g], r);
      REQUIRE(got.scales[n] == r);
      REQUIRE(got.multipliers[at] == want.multiplier);
    }
    for (uint32_t i = 0; i < groups[g].size(); ++i) {
      const uint32_t k = g * block + i;
      REQUIRE(got.elements[size_t{n} * got.columns + k] == want.q[i]);
      const int product = want.q[i] * want.multiplier;
      if (got.format.decodesToInt8())
        REQUIRE(decoded[k] == product);
      const bool multipliers = !got.multipliers.empty();
      REQUIRE(values[k] == static_cast<float>(product) * (multipliers ? r : want.scale));
    }
  }
}

WeightView plainView(const std::vector<float> &weights, uint32_t rows, uint32_t columns) {
  return {weights.data(), 0, columns, 1, rows, columns};
}

WeightFormat format(const char *name) {
  auto parsed = parseWeightFormat(name);
  REQUIRE(parsed);
  return *parsed;
}

} // namespace

TEST_CASE("rounding equals the plain form") {
  for (const char *name : {"w8", "w4-g32", "w4-g64", "w4-g128", "w4-m16", "w4-m32"})
    for (uint32_t columns : {1u, 31u, 32u, 100u, 288u}) {
      const WeightFormat f = format(name);
      CAPTURE(name, columns);
      const uint32_t rows = 37;
      auto weights = testWeights(rows, columns, f.block ? f.block : columns);
      RoundedWeights got;
      REQUIRE_FALSE(roundWeights(plainView(weights, rows, columns), f, got));
      REQUIRE(got.elements.size() == weights.size());
      for (uint32_t n = 0; n < rows; ++n)
        judgeRow(got, n, weights.data() + size_t{n} * columns);
    }
}

TEST_CASE("a strided view rounds like its copy") {
  const uint32_t rows = 21, columns = 70, offset = 5;
  auto weights = testWeights(rows, columns, 16);
  std::vector<float> transposed(offset + size_t{rows} * columns);
  for (uint32_t n = 0; n < rows; ++n)
    for (uint32_t k = 0; k < columns; ++k)
      transposed[offset + size_t{k} * rows + n] = weights[size_t{n} * columns + k];
  for (const char *name : {"w8", "w4-g32", "w4-m16"}) {
    RoundedWeights copy, view;
    REQUIRE_FALSE(roundWeights(plainView(weights, rows, columns), format(name), copy));
    REQUIRE_FALSE(
        roundWeights({transposed.data(), offset, 1, rows, rows, columns}, format(name), view));
    CHECK(copy.elements == view.elements);
    CHECK(copy.scales == view.scales);
    CHECK(copy.halfScales == view.halfScales);
    CHECK(copy.multipliers == view.multipliers);
  }
}

TEST_CASE("every half is read as the number it is") {
  // Each of the 65,536 halves at its place of a matrix, plain and transposed; those that are no
  // numbers are left out.
  for (FloatStorage storage : {FloatStorage::F16, FloatStorage::Bf16}) {
    const int fraction = storage == FloatStorage::F16 ? 10 : 7, bits = 15 - fraction;
    std::vector<uint16_t> halves;
    std::vector<float> values;
    for (uint32_t half = 0; half < 65536; ++half) {
      const int exponent = static_cast<int>(half >> fraction & ((1u << bits) - 1));
      const int mantissa = static_cast<int>(half & ((1u << fraction) - 1));
      if (exponent == (1 << bits) - 1)
        continue;
      const int bias = (1 << (bits - 1)) - 1, step = std::max(exponent, 1) - bias - fraction;
      const double magnitude = std::ldexp(mantissa + (exponent ? 1 << fraction : 0), step);
      halves.push_back(static_cast<uint16_t>(half));
      values.push_back(static_cast<float>(half & 0x8000 ? -magnitude : magnitude));
    }
    const auto columns = static_cast<uint32_t>(halves.size() / 2);
    RowReader plain({halves.data(), 0, columns, 1, 2, columns, storage});
    RowReader transposed({halves.data(), 0, 1, 2, 2, columns, storage});
    for (uint32_t row = 0; row < 2; ++row) {
      const float *got = plain.row(row);
      REQUIRE(std::memcmp(got, values.data() + size_t{row} * columns, columns * sizeof(float)) ==
              0);
      const float *turned = transposed.row(row);
      for (uint32_t k = 0; k < columns; ++k)
        REQUIRE(turned[k] == values[size_t{k} * 2 + row]);
    }
  }
  for (uint16_t bad : {0x7c00, 0x7e00}) {
    const uint16_t row[] = {0x3c00, bad};
    RoundedWeights got;
    auto error = roundWeights({row, 0, 2, 1, 1, 2, FloatStorage::F16}, format("w8"), got);
    REQUIRE(error);
    CHECK(error->column == 1);
  }
}

TEST_CASE("zero groups, tiny scales and clamping are counted") {
  std::vector<float> weights(64, 0.0f);
  weights[32] = 1e-9f; // scale 1.4e-10 rounds to 0 in fp16
  RoundedWeights got;
  REQUIRE_FALSE(roundWeights(plainView(weights, 1, 64), format("w4-g32"), got));
  CHECK(got.counters.zeroGroups == 1);
  CHECK(got.counters.zeroScales == 1);
  CHECK(got.halfScales == std::vector<uint16_t>{0x3c00, 0x3c00});
  CHECK(got.elements == std::vector<int8_t>(64, 0));
  weights[32] = 7e-6f; // scale 1e-6 is subnormal
  REQUIRE_FALSE(roundWeights(plainView(weights, 1, 64), format("w4-g32"), got));
  CHECK(got.counters.subnormalScales == 1);
  CHECK(got.elements[32] == 7);
  // Ratio 1.49: multiplier 1 clamps the largest weight (10.43 to 7), 2 would lose all the others.
  weights.assign(64, 1.0f);
  weights[0] = 112.0f;
  weights[32] = 10.43f;
  REQUIRE_FALSE(roundWeights(plainView(weights, 1, 64), format("w4-m32"), got));
  CHECK(got.multipliers == std::vector<uint8_t>{16, 1});
  CHECK(got.elements[32] == 7);
  CHECK(got.counters.clampedElements == 1);
}

TEST_CASE("a tie between the two multipliers goes to the nearest") {
  // r = 112/7/16 = 1; a group with one weight besides zeros leaves the choice to that weight.
  std::vector<float> weights(64, 0.0f);
  weights[0] = 112.0f;
  weights[32] = 17.5f;
  RoundedWeights got;
  REQUIRE_FALSE(roundWeights(plainView(weights, 1, 64), format("w4-m32"), got));
  CHECK(got.scales[0] == 1.0f);
  // Ratio 2.5. m = 2: q = clamp(rne(8.75)) = 7, off by 3.5. m = 3: q = rne(5.83) = 6, off by 0.5.
  CHECK(got.multipliers[1] == 3);
  // Ratio 2.07. m = 2: q = 7 gives 14. m = 3: q = 5 gives 15. Both are off by 0.5.
  weights[32] = 14.5f;
  REQUIRE_FALSE(roundWeights(plainView(weights, 1, 64), format("w4-m32"), got));
  CHECK(got.multipliers[1] == 2);
}

TEST_CASE("NaN, infinity and overflow are errors with a place") {
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(),
                       -std::numeric_limits<float>::infinity()};
  for (float value : bad)
    for (const char *name : {"w8", "w4-g32", "w4-m16"}) {
      std::vector<float> weights(40 * 50, 0.5f);
      weights[33 * 50 + 17] = value;
      weights[39 * 50 + 3] = value;
      RoundedWeights got;
      auto error = roundWeights(plainView(weights, 40, 50), format(name), got);
      REQUIRE(error);
      CHECK(error->row == 33);
      CHECK(error->column == 17);
      CHECK(error->message.find("row 33, column 17") != std::string::npos);
    }
  std::vector<float> weights(100, 1.0f);
  weights[70] = 65504.0f * 7;
  RoundedWeights got;
  CHECK_FALSE(roundWeights(plainView(weights, 1, 100), format("w4-g32"), got));
  weights[70] = 65520.0f * 7;
  auto error = roundWeights(plainView(weights, 1, 100), format("w4-g32"), got);
  REQUIRE(error);
  CHECK(error->column == 64);
  CHECK(error->message.find("fp16") != std::string::npos);
  CHECK_FALSE(roundWeights(plainView(weights, 1, 100), format("w4-m32"), got));
  CHECK(roundWeights(plainView(weights, 1, 100), format("e2m1-e32"), got));
}

TEST_CASE("nibbles and multipliers pack and unpack") {
  for (size_t count : {size_t{1}, size_t{2}, size_t{15}, size_t{16}}) {
    std::vector<int8_t> q(count), qBack(count);
    std::vector<uint8_t> m(count), mBack(count), bytes((count + 1) / 2);
    for (size_t i = 0; i < count; ++i) {
      q[i] = static_cast<int8_t>(static_cast<int>(i) - 8);
      m[i] = static_cast<uint8_t>(i + 1);
    }
    packNibbles(q.data(), count, bytes.data());
    CHECK((bytes[0] & 15) == 8); // the even index is the low nibble
    unpackNibbles(bytes.data(), count, qBack.data());
    CHECK(q == qBack);
    packMultipliers(m.data(), count, bytes.data());
    CHECK((bytes[0] & 15) == 0);
    unpackMultipliers(bytes.data(), count, mBack.data());
    CHECK(m == mBack);
  }
}

TEST_CASE("format names") {
  for (const char *name :
       {"w8", "w4", "w3", "w2", "ternary", "table16", "w4-g32", "w4-g128", "w4-m16", "w3-m32",
        "w2-m8", "e2m1-e32", "e4m3", "table16-g64", "w4-f32"})
    CHECK(printWeightFormat(format(name)) == name);
  for (const char *name : {"", "w5", "w8-", "w4-g", "w4-g0", "w4-g032", "w4-x32", "w4-g32x",
                           "w8-m16", "e2m1-m16", "w4-g99999999999", "W4"})
    CHECK_FALSE(parseWeightFormat(name));
  CHECK(format("w4-m16").decodesToInt8());
  CHECK(format("w8").decodesToInt8());
  CHECK_FALSE(format("w4-g32").decodesToInt8());
  CHECK(checkWeightFormat({WeightElement::I8, 16, WeightScale::IntMultiplierTimesRow}));
  CHECK(checkWeightFormat({WeightElement::I4, 0, WeightScale::F16}));
}

TEST_CASE("format sizes") {
  CHECK(weightBits(format("w4-m32")) == 4.125);
  CHECK(weightBits(format("w4-m16")) == 4.25);
  CHECK(weightBits(format("w4-g32")) == 4.5);
  CHECK(weightBits(format("w8")) == 8.0);
  CHECK(weightBytes(format("w8"), 10, 100) == 10 * (100 + 4));
  CHECK(weightBytes(format("w4-g32"), 10, 100) == 10 * (50 + 4 * 2));
  CHECK(weightBytes(format("w4-m32"), 10, 160) == 10 * (80 + 3 + 4)); // five multipliers
  CHECK(weightBytes(format("w3-m32"), 1, 32) == 8 + 4 + 1 + 4);
  CHECK(weightBytes(format("ternary"), 1, 11) == 3 + 4);
  CHECK(weightBytes(format("table16"), 2, 10) == 2 * (5 + 4) + 16);
  CHECK(weightBytes(format("e2m1-e32"), 1, 64) == 32 + 2);
}
