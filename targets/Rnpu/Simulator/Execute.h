// What the commands compute, bit for bit by docs/numerics.md, on memories already checked.
#pragma once

#include "targets/Rnpu/Simulator/Dot.h"
#include "targets/Rnpu/Simulator/Resolve.h"
#include "targets/Rnpu/Simulator/Vector.h"

#include <vector>

namespace llmc::rnpu {

struct DotShape; ///< How a linear layer's columns are cut into integer sums.

class Executor {
public:
  Executor() : dot(dotKernels().back()) {}

  /// Runs a resolved command; false where its data made it fault.
  bool run(const Instance &instance, const Resolved &resolved, const Memories &memories,
           Reporter &reporter);

  uint64_t nonFinite = 0; ///< Infinities and NaNs among stored fp32 and f16 results, so far.
  uint64_t saturated = 0; ///< Values that f16 stores clamped, so far.

private:
  void copy(const target::Dma &dma, const Resolved &r, const Memories &memories);

  bool linear(const target::MatmulCommand &command, const Resolved &r, uint8_t *sram,
              Reporter &reporter);
  void widenActivations(const target::MatmulCommand &command, const Resolved &r,
                        const uint8_t *sram, const DotShape &shape);
  bool sumsFit(const Resolved &r, const DotShape &shape, uint64_t n, Reporter &reporter);
  void scaleOutputs(const Resolved &r, const DotShape &shape, uint64_t n);

  void products(const target::MatmulCommand &command, const Resolved &r, uint8_t *sram);
  void fillPanel(const target::MatmulCommand &command, const Resolved &r, const uint8_t *sram,
                 uint64_t first, uint64_t count);

  void chain(const target::ChainCommand &command, const Resolved &r, uint8_t *sram);
  void chainStep(const target::ChainCommand &command, const Resolved &r, uint8_t *sram,
                 unsigned index, uint64_t token, uint64_t sub);
  void load(const target::ChainStep &step, target::ElementType type, const uint8_t *from,
            uint64_t columns, unsigned index);
  void store(const target::ChainStep &step, target::ElementType type, uint64_t columns,
             uint8_t *to);
  void compute(const target::ChainStep &step, const Resolved &r, uint64_t visible, unsigned index);

  DotKernel dot;
  std::vector<int16_t> activations, weights;
  std::vector<int32_t> dots;
  std::vector<uint8_t *> results; ///< Start of every output row.
  std::vector<float> scales, rowScales, left, panel, converted;
  std::vector<float> storage; ///< One row vector per chain step.
  std::vector<float> scalars; ///< One scalar per chain step.
  std::vector<Value> values;  ///< Result of each chain step.
};

} // namespace llmc::rnpu
