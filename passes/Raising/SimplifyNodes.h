// Pass llmc-simplify-nodes: removes nodes that compute nothing.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/SimplifyNodes.h.inc"

/// The same, reporting to `report`.
std::unique_ptr<mlir::Pass> createSimplifyNodesPass(std::shared_ptr<RaiseReport> report);
} // namespace llmc::passes
