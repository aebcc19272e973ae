// Cycles and energy of one command: the laws of docs/format/rnpu.md, used by the target's cost
// queries and by the simulator alike. Waiting, and the sharing of a memory between channels, are
// the simulator's.
#pragma once

#include "targets/Interface/Machine.h"
#include "targets/Interface/Program.h"

#include <cstdint>

namespace llmc::rnpu {

/// The sizes a DMA has once its arguments are known.
struct DmaShape {
  target::Space offChip = target::Space::Weights;
  bool load = true;
  uint64_t run = 0;  ///< Contiguous bytes.
  uint64_t runs = 0; ///< Number of runs.
};

struct DmaCycles {
  uint64_t setup = 0; ///< Occupies the channel.
  uint64_t latency =
      0; ///< Overlaps with the latencies of up to dmaOutstanding commands of the channel.
  uint64_t transfer = 0; ///< Occupies the channel.
  uint64_t total() const { return setup + latency + transfer; }
};

/// The sizes a matrix multiplication has once its arguments are known.
struct MatmulShape {
  target::MatmulKind kind = target::MatmulKind::Linear;
  target::WeightFormat format;
  uint64_t rows = 0, n = 0, k = 0; ///< rows = tokens * subRows.
  bool accumulate = false;
};

/// The sizes a vector chain has once its arguments are known.
struct ChainShape {
  const target::VectorChain *chain = nullptr; ///< Well formed (Validate.h).
  uint64_t rows = 0, columns = 0;
};

/// The memory that holds a space of this machine.
const target::Memory &memoryOf(const target::Machine &machine, target::Space space);

/// Shapes with every argument at its maximum.
DmaShape shapeOf(const target::Dma &dma);
MatmulShape shapeOf(const target::Matmul &matmul);
ChainShape shapeOf(const target::VectorChain &chain);
/// Shapes with these arguments.
DmaShape shapeOf(const target::Dma &dma, const uint32_t *arguments);
MatmulShape shapeOf(const target::Matmul &matmul, const uint32_t *arguments);
ChainShape shapeOf(const target::VectorChain &chain, const uint32_t *arguments);

/// Bytes that the off-chip memory moves: a run shorter than a burst costs a burst.
uint64_t offChipBytes(const target::Machine &machine, const DmaShape &shape);

DmaCycles cyclesOf(const target::Machine &machine, const DmaShape &shape);
uint64_t cyclesOf(const target::Machine &machine, const MatmulShape &shape);
uint64_t cyclesOf(const target::Machine &machine, const ChainShape &shape);

/// Energy by class, in pJ.
struct Energy {
  target::Band offChip, sram, compute;
  target::Band total() const;
  Energy &operator+=(const Energy &other);
};

Energy energyOf(const target::Machine &machine, const DmaShape &shape);
Energy energyOf(const target::Machine &machine, const MatmulShape &shape);
/// `operandBits` of a chain: element bits of each operand, in order.
Energy energyOf(const target::Machine &machine, const ChainShape &shape,
                const uint32_t *operandBits);

/// Static power over a time, in pJ.
target::Band staticEnergy(const target::Machine &machine, uint64_t cycles);

} // namespace llmc::rnpu
