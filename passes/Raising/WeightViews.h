// New weights that view the bytes of others. Nothing is copied but what is unpacked from nibbles.
#pragma once

#include "dialects/Lm/Lm.h"

#include "mlir/IR/Builders.h"

namespace llmc::passes {

/// A weight's view of its stored bytes, in elements.
struct Strided {
  int64_t offset = 0;
  llvm::SmallVector<int64_t, 4> shape, strides;

  bool isRowMajor() const;
};

Strided stridedOf(lm::WeightOp weight);

/// The weight that views the bytes of `source` so: an existing one where the module has it,
/// otherwise a new one named after `source`.
lm::WeightOp viewOfBytes(lm::WeightOp source, const Strided &view);

/// A rank-2 weight with its axes exchanged.
lm::WeightOp transposedWeight(lm::WeightOp weight);

/// Rows `begin ... begin + count` of a weight.
lm::WeightOp rowsOfWeight(lm::WeightOp weight, int64_t begin, int64_t count);

/// The elements in another shape; null where the view is not row-major or the sizes differ.
lm::WeightOp reshapedWeight(lm::WeightOp weight, llvm::ArrayRef<int64_t> shape);

/// A new weight with `value`, or an existing one with the same bytes and type.
lm::WeightOp addWeight(mlir::ModuleOp module, llvm::StringRef name, mlir::ElementsAttr value);

/// `[rows, columns]` integers of a packed weight: `bits` 4 (low nibble first) or 8, minus
/// `zeroPoint`, as int8. Null where the bytes are not there or too few.
lm::WeightOp unpackedWeight(lm::WeightOp packed, int64_t rows, int64_t columns, int64_t rowBytes,
                            int64_t bits);

/// Reads a weight at the builder's place.
mlir::Value readWeight(mlir::OpBuilder &builder, mlir::Location loc, lm::WeightOp weight);

} // namespace llmc::passes
