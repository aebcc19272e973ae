// 16 x 16 elements of 16 bits, rows to columns.
#pragma once

#include "targets/Llvm/Emitter.h"

namespace llmc::target {

/// Rows are 16 vectors of 16 x i16. Vector i of the 8 results is column 2 i, then column 2 i + 1:
/// 32 x i16.
Emitter::Values transposeHalves(llvm::IRBuilder<> &ir, llvm::ArrayRef<llvm::Value *> rows);

} // namespace llmc::target
