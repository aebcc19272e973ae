// Pass llmc-raise-linear: linear layers, plain and quantized.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/RaiseLinear.h.inc"

/// The same, reporting to `report`.
std::unique_ptr<mlir::Pass> createRaiseLinearPass(std::shared_ptr<RaiseReport> report);
} // namespace llmc::passes
