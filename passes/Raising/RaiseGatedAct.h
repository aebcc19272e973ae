// Pass llmc-raise-gated-act: gated activations.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/RaiseGatedAct.h.inc"

/// The same, reporting to `report`.
std::unique_ptr<mlir::Pass> createRaiseGatedActPass(std::shared_ptr<RaiseReport> report);
} // namespace llmc::passes
