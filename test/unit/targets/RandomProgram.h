// Random programs that keep every rule of targets/Rnpu/Validate.h, for round-trip tests.
#pragma once

#include "targets/Rnpu/Encoding.h"

#include <random>

namespace llmc::test {

class RandomProgram {
public:
  explicit RandomProgram(uint32_t seed) : random(seed) {}

  /// Same seed, same image.
  rnpu::Image image();

private:
  std::mt19937 random;
  target::Program program;
  bool inBody = false;

  uint32_t below(uint32_t limit) { return limit ? uint32_t(random() % limit) : 0; }
  bool chance(uint32_t percent) { return below(100) < percent; }

  int16_t maybeArgument();
  target::Extent extent(uint32_t limit);
  target::Address address(target::Space space, uint32_t multiple);
  target::Operand operand(target::ElementType type, uint64_t tokens, uint64_t subRows,
                          uint64_t columns);
  void reach(const target::Address &address, uint64_t bytes);
  std::vector<target::Wait> waits(target::Engine engine);
  target::Dma dma(target::Engine engine);
  target::MatmulCommand matmul();
  target::ChainCommand chain();
  target::Command command();
  target::Section section(uint32_t commands);
};

} // namespace llmc::test
