// Pass llmc-raise-rms-norm: RMSNorm from its decompositions.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/RaiseRmsNorm.h.inc"

/// The same, reporting to `report`.
std::unique_ptr<mlir::Pass> createRaiseRmsNormPass(std::shared_ptr<RaiseReport> report);
} // namespace llmc::passes
