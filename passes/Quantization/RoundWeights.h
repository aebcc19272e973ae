// Pass llmc-round-weights: rounds weights to their formats and computes with them.
#pragma once

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Quantization/RoundWeights.h.inc"
} // namespace llmc::passes
