#include "tools/make-model/RandomWeights.h"

#include <cmath>

namespace llmc::make {

namespace {

/// The output function of SplitMix64, as a hash.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t keyOf(std::string_view name) {
  uint64_t key = 0;
  for (const char c : name)
    key = mix(key ^ uint8_t(c));
  return key;
}

/// Standard deviation of the sum of four uniform integers 0 ... 511.
constexpr double bellDeviation = 295.6;

} // namespace

RandomMatrix::RandomMatrix(std::string_view name, int64_t outputs, int64_t inputs)
    : outputs(outputs), inputs(inputs), key(keyOf(name)) {
  // At least 2^-14, the smallest normal number of fp16.
  const double exponent = std::round(std::log2(bellDeviation * std::sqrt(double(inputs))));
  unit = float(std::exp2(-std::fmin(exponent, 14)));
}

float RandomMatrix::at(int64_t output, int64_t input) const {
  const uint64_t bits = mix(key + uint64_t(output * inputs + input));
  const int sum =
      int(bits & 511) + int(bits >> 9 & 511) + int(bits >> 18 & 511) + int(bits >> 27 & 511) - 1022;
  return float(sum) * unit;
}

RandomGain::RandomGain(std::string_view name) : key(keyOf(name)) {}

float RandomGain::at(int64_t index) const {
  return 1.0f + (float(mix(key + uint64_t(index)) & 255) - 128.0f) / 1024.0f;
}

} // namespace llmc::make
