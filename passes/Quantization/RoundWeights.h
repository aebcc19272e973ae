// Pass llmc-round-weights: rounds weights to their formats and computes with them.
#pragma once

#include "passes/Quantization/WeightValues.h"

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Quantization/RoundWeights.h.inc"

std::unique_ptr<mlir::Pass> createRoundWeightsPass(DoneReading done);
} // namespace llmc::passes
