// Entries that a module goes without because the machine has no room for them.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace llmc::npu {

/// On a module: a dictionary from the names of entries to reasons.
inline constexpr llvm::StringLiteral leftOutAttributeName = "npu.left_out";

struct LeftOut {
  std::string entry, reason;
};

void addLeftOut(mlir::ModuleOp module, llvm::StringRef entry, llvm::StringRef reason);

/// By name of the entry.
std::vector<LeftOut> leftOutOf(mlir::ModuleOp module);

} // namespace llmc::npu
