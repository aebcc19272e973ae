// A small generator with a fixed sequence, so that every run of a mutator can be repeated.
#pragma once

#include <cstdint>

namespace llmc::fuzz {

class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 0x2545F4914F6CDD1Du) {}
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  /// In [0, n); 0 where n is 0.
  uint32_t below(uint64_t n) { return n ? uint32_t((next() >> 11) % n) : 0; }
  bool oneIn(uint32_t n) { return below(n) == 0; }

private:
  uint64_t state;
};

} // namespace llmc::fuzz
