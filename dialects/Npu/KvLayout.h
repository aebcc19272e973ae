// Where keys and values lie in the State space: decided here, for commands and for the plan's
// states.
#pragma once

#include "dialects/Lm/Lm.h"

namespace llmc::npu {

/// Layer by layer, keys then values; of each, head by head; of each head, one row of f16 a
/// position. All in bytes.
struct KvLayout {
  int64_t layers = 0, kvHeads = 0, headDim = 0, capacity = 0;

  static KvLayout of(lm::KvStateOp state) {
    return {int64_t(state.getLayers()), int64_t(state.getKvHeads()), int64_t(state.getHeadDim()),
            int64_t(state.getCapacity())};
  }

  int64_t rowBytes() const { return headDim * 2; }
  int64_t headBytes() const { return capacity * rowBytes(); }
  int64_t keyBytes() const {
    return kvHeads * headBytes();
  } ///< Of one layer; its values take as much.
  int64_t layerBytes() const { return 2 * keyBytes(); }
  int64_t bytes() const { return layers * layerBytes(); }
  int64_t valuesOffset() const { return keyBytes(); } ///< From the keys of the same layer.

  int64_t offsetOf(int64_t layer, bool isValue, int64_t head = 0, int64_t position = 0) const {
    return layer * layerBytes() + (isValue ? valuesOffset() : 0) + head * headBytes() +
           position * rowBytes();
  }
};

} // namespace llmc::npu
