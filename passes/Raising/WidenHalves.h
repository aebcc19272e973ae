// Pass llmc-widen-halves: lets a graph in half precision compute in fp32.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/WidenHalves.h.inc"

/// Module attribute: the half type that a graph computed in before it was widened.
inline constexpr llvm::StringLiteral widenedFromAttribute = "lm.widened_from";

/// Mantissa bits that the graph's constants have less than fp32: 13 of f16, 16 of bf16, otherwise
/// 0. Constants are compared with canonical values that much more loosely.
int lostBits(mlir::ModuleOp module);

/// The same, reporting to `report`.
std::unique_ptr<mlir::Pass> createWidenHalvesPass(std::shared_ptr<RaiseReport> report);
} // namespace llmc::passes
