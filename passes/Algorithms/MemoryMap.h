#pragma once

#include "passes/Algorithms/SramProblem.h"

#include <cstdint>
#include <string>
#include <vector>

namespace llmc::passes {

struct MemoryMapStyle {
  uint32_t columns = 72; ///< time, at most this many characters
  uint32_t rows = 20;    ///< addresses, at most this many lines
  uint32_t legend = 16;  ///< buffers named below the chart, the largest first
};

/// Draws a plan as text, time to the right and addresses upwards:
///
///        96 |aaaabb....|
///        64 |aaaabb....|     a cell shows the buffer that takes most of it, '.' nothing,
///        32 |cccccccccc|     '!' two that overlap, '*' one that the legend does not name
///         0 +----------+
///            0        9
///              ^               the fullest step
///   a  64 bytes  [32, 96)  steps 0 to 3  scores
///
/// A line of '=' marks the capacity where buffers reach beyond it.
std::string drawMemoryMap(const SramProblem &problem, const std::vector<uint64_t> &offsets,
                          const MemoryMapStyle &style = {});

} // namespace llmc::passes
