// Pass llmc-raise-embedding: rows of a table by token id.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/Pass/Pass.h"

#include <memory>

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/RaiseEmbedding.h.inc"

/// The same, reporting to `report`.
std::unique_ptr<mlir::Pass> createRaiseEmbeddingPass(std::shared_ptr<RaiseReport> report);
} // namespace llmc::passes
