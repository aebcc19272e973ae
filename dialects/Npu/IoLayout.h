// Where hidden states and logits lie in the Io space: decided here, for commands and for the plan's
// tensors.
#pragma once

#include "llvm/Support/MathExtras.h"

#include <cstdint>

namespace llmc::npu {

/// The hidden rows of one entry from the start on, then the logits of one; both fp32, row by row.
struct IoLayout {
  int64_t rows = 1;   ///< Of the largest entry.
  int64_t hidden = 0; ///< Columns.

  /// In bytes, on a cache line.
  int64_t logitsOffset() const { return int64_t(llvm::alignTo(uint64_t(rows * hidden * 4), 64)); }
};

} // namespace llmc::npu
