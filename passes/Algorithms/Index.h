#pragma once

#include <cstdint>

namespace llmc::passes {

/// An index that does not convert to an index of another kind.
template <class Tag> struct Index {
  uint32_t value = UINT32_MAX;

  friend bool operator==(Index a, Index b) { return a.value == b.value; }
  friend bool operator!=(Index a, Index b) { return a.value != b.value; }
  friend bool operator<(Index a, Index b) { return a.value < b.value; }
  friend bool operator<=(Index a, Index b) { return a.value <= b.value; }
};

using BufferIdx = Index<struct BufferTag>;
using StepIdx = Index<struct StepTag>;

} // namespace llmc::passes
