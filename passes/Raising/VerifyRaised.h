// Pass llmc-verify-raised: everything was understood.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/VerifyRaised.h.inc"

/// The same, reporting to `report`; a file is written where `reportFile` names one.
std::unique_ptr<mlir::Pass> createVerifyRaisedPass(std::shared_ptr<RaiseReport> report,
                                                   std::string reportFile);
} // namespace llmc::passes
