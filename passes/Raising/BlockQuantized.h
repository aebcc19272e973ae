// Weights that com.microsoft operators pack: nibbles or bytes in groups along the row, fp32 scales.
#pragma once

#include "passes/Raising/RaiseReport.h"

namespace llmc::passes {

/// Integers and scales of a weight [rows, columns] that was packed in groups.
struct BlockQuantized {
  lm::WeightOp integers, scales; ///< int8 [rows, columns], f32 [rows, groups].
  lm::FormatAttr format;
};

/// How an operator says that a weight is packed.
struct BlockQuantizedForm {
  mlir::Value packed, scales, zeroPoints; ///< The last may be null.
  int64_t rows = 0, columns = 0, group = 0, bits = 0;
};

/// Nothing, with the reason in `attempt`, where the form has no exact equal in lm.
std::optional<BlockQuantized> unpackBlocks(const BlockQuantizedForm &form, Attempt &attempt);

} // namespace llmc::passes
