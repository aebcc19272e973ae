#pragma once

#include "passes/Algorithms/Index.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llmc::passes {

/// Bytes that one memory must hold for a range of steps.
///
///   address
///     ^   +-----+
///     |   |  b  |      b lives in steps [1, 4): it is written in step 1 and last read in step 3.
///     |   +-----+
///     +---1--2--3--4--> step
struct SramBuffer {
  std::string name;
  StepIdx first;                  ///< first step of the live range
  StepIdx last;                   ///< one past its last step
  uint64_t size = 0;              ///< bytes, not 0
  uint64_t alignment = 1;         ///< bytes, any value but 0
  std::optional<uint64_t> offset; ///< when set, the address is given and only to be respected
};

struct SramProblem {
  std::vector<SramBuffer> buffers;
  uint64_t capacity = 0; ///< bytes
};

/// What every live buffer needs together at the fullest step.
struct LivePeak {
  uint64_t bytes = 0;
  StepIdx step; ///< the first step with that many bytes; meaningless without buffers
  std::vector<BufferIdx> buffers; ///< live at that step, the largest first
};

inline bool liveTogether(const SramBuffer &a, const SramBuffer &b) {
  return a.first < b.last && b.first < a.last;
}

/// Orders buffers by falling size, equal ones by index.
bool largerFirst(const SramProblem &problem, BufferIdx a, BufferIdx b);

/// The first reason why the problem makes no sense, or nothing. Being too large for the capacity is
/// no such reason: that is an answer, not a malformed question.
std::optional<std::string> checkProblem(const SramProblem &problem);

LivePeak maxLive(const SramProblem &problem);

} // namespace llmc::passes
