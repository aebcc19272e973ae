// A set of bytes a command touches: equal runs in two outer counts with byte strides.
#pragma once

#include "targets/Interface/Program.h"

#include <cstdint>
#include <utility>

namespace llmc::rnpu {

/// a*b + c without wrapping: stays at the largest number.
inline uint64_t saturatingMad(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t product = 0, sum = 0;
  if (__builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(product, c, &sum))
    return UINT64_MAX;
  return sum;
}

struct Access {
  target::Space space = target::Space::Sram;
  uint64_t start = 0, run = 0;
  uint64_t counts[2] = {1, 1};
  uint64_t strides[2] = {0, 0};
  uint8_t operand = 0; ///< Index among the command's operands; 0 source, 1 destination of a DMA.

  bool empty() const { return run == 0 || counts[0] == 0 || counts[1] == 0; }
  uint64_t runs() const { return saturatingMad(counts[0], counts[1], 0); }
  uint64_t bytes() const { return empty() ? 0 : saturatingMad(run, runs(), 0); }

  /// One past the last byte, saturated.
  uint64_t end() const {
    if (empty())
      return start;
    const uint64_t inner = saturatingMad(counts[0] - 1, strides[0], saturatingMad(start, 1, run));
    return saturatingMad(counts[1] - 1, strides[1], inner);
  }

  /// Whether no two runs share a byte, as every written set must.
  bool runsAreDisjoint() const {
    const auto nested = [&](int inner, int outer) {
      const uint64_t span =
          counts[inner] > 1 ? saturatingMad(counts[inner] - 1, strides[inner], run) : run;
      return (counts[inner] <= 1 || strides[inner] >= run) &&
             (counts[outer] <= 1 || strides[outer] >= span);
    };
    return empty() || nested(0, 1) || nested(1, 0);
  }

  /// The same bytes in fewer, longer runs where strides allow.
  Access merged() const {
    Access m = *this;
    if (m.counts[0] == 1) {
      std::swap(m.counts[0], m.counts[1]);
      std::swap(m.strides[0], m.strides[1]);
    }
    for (int i = 0; i < 2 && m.counts[0] > 1 && m.strides[0] == m.run; ++i) {
      m.run *= m.counts[0];
      m.counts[0] = m.counts[1];
      m.strides[0] = m.strides[1];
      m.counts[1] = 1;
    }
    return m;
  }

  /// Calls f(address) for every run, the first count inside; stops and gives false where f does.
  template <class F> bool everyRun(F f) const {
    for (uint64_t j = 0; j < counts[1]; ++j)
      for (uint64_t i = 0; i < counts[0]; ++i)
        if (!f(start + j * strides[1] + i * strides[0]))
          return false;
    return true;
  }
};

} // namespace llmc::rnpu
