// Pass llmc-raise-residual: sums of activations.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/RaiseResidual.h.inc"

/// The same, reporting to `report`.
std::unique_ptr<mlir::Pass> createRaiseResidualPass(std::shared_ptr<RaiseReport> report);
} // namespace llmc::passes
