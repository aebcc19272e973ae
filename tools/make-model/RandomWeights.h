// Weights that are a function of their name and place: the same whatever file holds them, in
// whatever layout.
#pragma once

#include <cstdint>
#include <string_view>

namespace llmc::make {

/// A matrix [outputs, inputs] of bell-shaped values of variance about 1 / inputs, so that values
/// keep their size through any number of layers. All are exact in fp16 as normal numbers.
class RandomMatrix {
public:
  RandomMatrix(std::string_view name, int64_t outputs, int64_t inputs);

  int64_t outputs, inputs;
  float at(int64_t output, int64_t input) const;

private:
  uint64_t key;
  float unit; ///< A power of two.
};

/// The weights of a norm, about 1 and exact in fp16.
class RandomGain {
public:
  explicit RandomGain(std::string_view name);
  float at(int64_t index) const;

private:
  uint64_t key;
};

} // namespace llmc::make
