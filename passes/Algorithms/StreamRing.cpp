#include "passes/Algorithms/StreamRing.h"

#include <algorithm>

namespace llmc::passes {

namespace {

uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

bool liveTogether(const StreamBuffer &a, const StreamBuffer &b) {
  return a.first < b.last && b.first < a.last;
}

} // namespace

RingPlacement placeInRing(const std::vector<StreamBuffer> &buffers, uint64_t capacity,
                          uint64_t alignment) {
  RingPlacement result;
  uint64_t cursor = 0;
  for (size_t i = 0; i < buffers.size(); ++i) {
    uint64_t size = alignUp(buffers[i].size, alignment);
    // The end of the earliest placed buffer that `offset` would overlap while it lives, or 0.
    auto blockedUntil = [&](uint64_t offset) {
      for (size_t j = 0; j < i; ++j)
        if (liveTogether(buffers[i], buffers[j]) && offset < result.offsets[j] + buffers[j].size &&
            result.offsets[j] < offset + size)
          return alignUp(result.offsets[j] + buffers[j].size, alignment);
      return uint64_t(0);
    };
    bool placed = false;
    for (unsigned wraps = 0; !placed && wraps < 2;) {
      if (cursor + size > capacity) {
        cursor = 0;
        ++wraps;
        if (size > capacity)
          break;
      }
      uint64_t end = blockedUntil(cursor);
      placed = end == 0;
      cursor = placed ? cursor : end;
    }
    if (!placed) {
      result.error = "streamed buffer '" + buffers[i].name + "' of " +
                     std::to_string(buffers[i].size) + " bytes does not fit a ring of " +
                     std::to_string(capacity) + " bytes beside what is read together with it";
      return result;
    }
    result.offsets.push_back(cursor);
    cursor += size;
    result.used = std::max(result.used, cursor);
  }
  return result;
}

uint64_t ringLowerBound(const std::vector<StreamBuffer> &buffers, uint64_t alignment) {
  uint64_t most = 0;
  for (const StreamBuffer &at : buffers) {
    uint64_t live = 0;
    for (const StreamBuffer &other : buffers)
      if (other.first <= at.first && at.first < other.last)
        live += alignUp(other.size, alignment);
    most = std::max(most, live);
  }
  return most;
}

} // namespace llmc::passes
