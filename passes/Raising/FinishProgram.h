// Pass llmc-finish-program: the canonical signature, order and names.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/FinishProgram.h.inc"

/// The same, reporting to `report`.
std::unique_ptr<mlir::Pass> createFinishProgramPass(std::shared_ptr<RaiseReport> report);
} // namespace llmc::passes
