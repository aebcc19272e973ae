// Pass llmc-plan-memory: addresses of on-chip buffers.
#pragma once

#include "dialects/Npu/Npu.h"

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Memory/PlanMemory.h.inc"
} // namespace llmc::passes
