// Software floating point against this machine's own, over its special values, powers of two around
// which it rounds, and random bits.
#include "catch2/catch.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {
#include "targets/Llvm/soft_float.c"

constexpr float least = 0x1p-126f;

/// As the functions read a number: a subnormal is a zero.
float flushed(float x) { return std::fabs(x) < least ? std::copysign(0.0f, x) : x; }

/// At the edge of subnormals a result may have been flushed before it was rounded.
bool agrees(float got, float wanted) {
  if (std::isnan(wanted))
    return std::isnan(got);
  if (std::fabs(wanted) <= least && got == 0)
    return std::signbit(got) == std::signbit(wanted);
  return bitsOf(got) == bitsOf(wanted);
}

std::vector<float> numbers() {
  std::vector<float> result;
  for (const uint32_t bits :
       {0u,          1u,          0x7fffffu,   0x800000u,   0x800001u,   0x3f800000u,
        0x3f7fffffu, 0x3f800001u, 0x4b800000u, 0x4b7fffffu, 0x4b800001u, 0x7f7fffffu,
        0x7f000000u, 0x7f800000u, 0x7fc00000u, 0x7f800001u, 0x33800000u, 0x33800001u,
        0x337fffffu, 0x34000000u, 0x1f000000u, 0x20000000u})
    for (const uint32_t sign : {0u, SIGN})
      result.push_back(valueOf(bits | sign));
  return result;
}

/// Half of the pairs are close in exponent, where sums cancel and round.
void randomPairs(size_t count, void (*body)(float, float)) {
  uint64_t state = 1;
  const auto next = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return uint32_t(state >> 32);
  };
  for (size_t i = 0; i < count; ++i) {
    const uint32_t a = next();
    uint32_t b = next();
    if (i % 2)
      b = (b & 0x807fffffu) | ((((a >> 23 & 255u) + b % 57 - 28) & 255u) << 23);
    body(valueOf(a), valueOf(b));
  }
}

size_t wrong = 0;

void check(float x, float y) {
  const float a = flushed(x), b = flushed(y);
  const bool sums =
      agrees(__addsf3(x, y), flushed(a + b)) && agrees(__subsf3(x, y), flushed(a - b)) &&
      agrees(__aeabi_fadd(x, y), flushed(a + b)) && agrees(__aeabi_fsub(x, y), flushed(a - b));
  const bool products = agrees(__mulsf3(x, y), a * b) && agrees(__aeabi_fmul(x, y), a * b);
  const bool gnu = (__eqsf2(x, y) == 0) == (a == b) && (__nesf2(x, y) != 0) == (a != b) &&
                   (__ltsf2(x, y) < 0) == (a < b) && (__lesf2(x, y) <= 0) == (a <= b) &&
                   (__gesf2(x, y) >= 0) == (a >= b) && (__gtsf2(x, y) > 0) == (a > b) &&
                   (__unordsf2(x, y) != 0) == std::isunordered(a, b);
  const bool arm =
      bool(__aeabi_fcmpeq(x, y)) == (a == b) && bool(__aeabi_fcmplt(x, y)) == (a < b) &&
      bool(__aeabi_fcmple(x, y)) == (a <= b) && bool(__aeabi_fcmpge(x, y)) == (a >= b) &&
      bool(__aeabi_fcmpgt(x, y)) == (a > b) && bool(__aeabi_fcmpun(x, y)) == std::isunordered(a, b);
  if (sums && products && gnu && arm)
    return;
  ++wrong;
  INFO(std::hex << bitsOf(x) << " and " << bitsOf(y));
  CHECK(sums);
  CHECK(products);
  CHECK(gnu);
  CHECK(arm);
}

} // namespace

TEST_CASE("Software floating point: sums, products and comparisons") {
  const std::vector<float> all = numbers();
  for (const float x : all)
    for (const float y : all)
      check(x, y);
  randomPairs(3000000, check);
  CHECK(wrong == 0);
}

TEST_CASE("Software floating point: integers") {
  size_t different = 0;
  const auto one = [&](uint32_t value) {
    const auto number = int32_t(value);
    if (bitsOf(__floatsisf(number)) == bitsOf(float(number)) &&
        bitsOf(__floatunsisf(value)) == bitsOf(float(value)) &&
        bitsOf(__aeabi_i2f(number)) == bitsOf(float(number)) &&
        bitsOf(__aeabi_ui2f(value)) == bitsOf(float(value)))
      return;
    ++different;
    INFO(value);
    CHECK(__floatsisf(number) == float(number));
    CHECK(__floatunsisf(value) == float(value));
  };
  for (unsigned shift = 0; shift < 32; ++shift)
    for (uint32_t near = 0; near < 600; ++near) {
      one((1u << shift) + near - 300);
      one(0u - ((1u << shift) + near - 300));
    }
  for (uint32_t i = 0; i < 1000000; ++i)
    one(i * 2654435761u);
  CHECK(different == 0);
}
