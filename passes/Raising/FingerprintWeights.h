// Pass llmc-fingerprint-weights: contents of weights as digests.
#pragma once

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Raising/FingerprintWeights.h.inc"
} // namespace llmc::passes
