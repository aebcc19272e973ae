// Pass llmc-page-weights: slices of linear layers, each with weights that fit a slot.
#pragma once

#include "dialects/Npu/Npu.h"

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Memory/PageWeights.h.inc"
} // namespace llmc::passes
