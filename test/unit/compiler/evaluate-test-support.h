// What the tests of the reference kernels share.
#pragma once

#include "runtime/base/numerics.h"

#include <cstdint>
#include <cstring>
#include <vector>

namespace llmc::evaluate::test {

/// A deterministic generator; the tests need coverage, not quality.
struct Random {
  uint32_t state = 1;
  uint32_t next() {
    state = state * 1664525u + 1013904223u;
    return state ^ (state >> 15);
  }
  float uniform() { return static_cast<float>(next() >> 8) * 0x1p-23f - 1.0f; }
  std::vector<float> floats(size_t n, float scale = 1.0f) {
    std::vector<float> x(n);
    for (float &v : x)
      v = uniform() * scale;
    return x;
  }
  std::vector<int8_t> integers(size_t n, int low = -127, int high = 127) {
    std::vector<int8_t> x(n);
    const auto span = static_cast<uint32_t>(high - low + 1);
    for (int8_t &v : x)
      v = static_cast<int8_t>(low + static_cast<int>(next() % span));
    return x;
  }
  std::vector<uint16_t> halves(size_t n) {
    std::vector<uint16_t> x(n);
    for (uint16_t &v : x)
      v = llmc_f32_to_f16(uniform() * 3.0f);
    return x;
  }
};

template <class T> bool sameBytes(const std::vector<T> &a, const std::vector<T> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

} // namespace llmc::evaluate::test
