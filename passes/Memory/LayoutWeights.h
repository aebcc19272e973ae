// Pass llmc-layout-weights: places constants in the weights segment.
#pragma once

#include "dialects/Npu/Npu.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Memory/LayoutWeights.h.inc"

/// The scales and multipliers that go with a matrix operand, and its format; no format for plain
/// vectors. Tables are `gathered` by row.
struct PackedOperand {
  mlir::Value elements, scales, multipliers;
  lm::FormatAttr format;
  bool gathered = false;
};

/// What `op` reads from the weights segment.
llvm::SmallVector<PackedOperand> packedOperandsOf(mlir::Operation *op);

/// Where the parts of a packed row lie on a stream machine, in bytes from its start: elements
/// first, then multipliers, then scales.
struct RecordLayout {
  int64_t multipliers = 0, scales = 0, bytes = 0;
};
RecordLayout recordLayout(lm::FormatAttr format, int64_t columns, int64_t alignment);

/// Name of the npu.constant of a weight, as row records where other layers of `module` read it in
/// another layout.
std::string constantName(mlir::ModuleOp module, llvm::StringRef weight, bool gathered = false);

/// Name of the npu.constant of a rotation table.
std::string ropeTableName(lm::RopeAttr rope);

} // namespace llmc::passes
