// What the target does not run, and the device beside it does.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

namespace llmc::npu {

/// On an operation with weights, on their constant and on a command of a direct machine: the reason
/// why the fallback device runs it, or packs it. Absent: the target does.
inline constexpr llvm::StringLiteral fallbackAttributeName = "npu.fallback";

/// Null where the target runs `op`.
mlir::StringAttr fallbackOf(mlir::Operation *op);

/// Leaves `op` to the target where there is no reason.
void setFallback(mlir::Operation *op, mlir::StringAttr reason);

} // namespace llmc::npu
