// Pass llmc-fuse: groups operations that run from one SRAM residency.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Fusion/Fuse.h.inc"
} // namespace llmc::passes
