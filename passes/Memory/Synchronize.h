// Pass llmc-synchronize: waits between engines.
#pragma once

#include "dialects/Npu/Npu.h"

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Memory/Synchronize.h.inc"
} // namespace llmc::passes
