// Places streamed buffers in a ring: each is filled once, read, and its bytes are used again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llmc::passes {

/// A buffer that one transfer fills at step `first` and that is last read at step `last - 1`, in
/// program order.
struct StreamBuffer {
  std::string name;
  uint64_t size = 0;
  uint32_t first = 0, last = 0;
};

struct RingPlacement {
  std::vector<uint64_t> offsets; ///< Of each buffer, from the start of the ring.
  uint64_t used = 0;             ///< Bytes of the ring ever used.
  std::string error;             ///< Why it does not fit; empty where it does.
};

/// Next fit in load order: the longer the ring, the further loads run ahead of their readers.
/// Buffers that live together never overlap. Steps may repeat (a loop's body is placed once, at the
/// start of the ring).
RingPlacement placeInRing(const std::vector<StreamBuffer> &buffers, uint64_t capacity,
                          uint64_t alignment);

/// The smallest capacity that placeInRing can succeed with: the most bytes alive together.
uint64_t ringLowerBound(const std::vector<StreamBuffer> &buffers, uint64_t alignment);

} // namespace llmc::passes
