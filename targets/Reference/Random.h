// A small deterministic generator, the same on every machine.
#pragma once

#include "runtime/base/numerics.h"

#include <cstdint>

namespace llmc::target {

class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 2654435769u + 1) {}
  uint32_t next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return uint32_t(state >> 33);
  }
  uint32_t below(uint32_t bound) { return next() % bound; }
  /// Signed, magnitudes between 2^-8 and 2^8.
  float value() {
    const uint32_t sign = (next() & 1u) << 31;
    const uint32_t exponent = (119u + below(16)) << 23;
    return llmc_float(sign | exponent | (next() & 0x7fffffu));
  }

private:
  uint64_t state;
};

} // namespace llmc::target
