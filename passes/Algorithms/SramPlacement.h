#pragma once

#include "passes/Algorithms/SramProblem.h"

#include <cstdint>
#include <vector>

namespace llmc::passes {

constexpr uint64_t kUnplaced = UINT64_MAX;

/// First-fit placement, the step that every planning strategy is built from.
class SramPlacer {
public:
  explicit SramPlacer(const SramProblem &problem);

  const SramBuffer &buffer(BufferIdx index) const { return problem.buffers[index.value]; }
  /// Those that live together with the buffer, ascending.
  const std::vector<BufferIdx> &conflicts(BufferIdx index) const { return neighbours[index.value]; }
  /// Buffers without a fixed offset, ascending.
  const std::vector<BufferIdx> &freeBuffers() const { return movable; }

  /// Offsets with the fixed buffers placed and all others kUnplaced.
  std::vector<uint64_t> fixedOnly() const;
  /// Lowest aligned offset at which the buffer overlaps nothing placed.
  uint64_t firstFit(BufferIdx index, const std::vector<uint64_t> &offsets) const;
  /// Places the free buffers one after the other, each as low as it goes.
  std::vector<uint64_t> placeInOrder(const std::vector<BufferIdx> &order) const;
  /// One past the highest byte that a placed buffer takes.
  uint64_t peak(const std::vector<uint64_t> &offsets) const;

private:
  const SramProblem &problem;
  std::vector<std::vector<BufferIdx>> neighbours;
  std::vector<BufferIdx> movable;
  mutable std::vector<std::pair<uint64_t, uint64_t>> taken; ///< scratch of firstFit
};

} // namespace llmc::passes
