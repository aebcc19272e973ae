// Pass llmc-specialize: static entries of the dynamic program.
#pragma once

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Specialization/Specialize.h.inc"
} // namespace llmc::passes
