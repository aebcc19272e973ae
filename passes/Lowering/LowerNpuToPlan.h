// Pass llmc-lower-npu-to-plan: what the plan file says of planned programs.
#pragma once

#include "dialects/Npu/Npu.h"
#include "dialects/Plan/Plan.h"

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Lowering/LowerNpuToPlan.h.inc"
} // namespace llmc::passes
