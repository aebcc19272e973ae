// Pass llmc-raise-rope: rotary position embedding.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/RaiseRope.h.inc"

/// The same, reporting to `report`; `context` 0: the module attribute lm.context.
std::unique_ptr<mlir::Pass> createRaiseRopePass(std::shared_ptr<RaiseReport> report,
                                                int64_t context);
} // namespace llmc::passes
