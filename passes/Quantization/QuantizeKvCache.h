// Pass llmc-quantize-kv-cache: holds the key/value cache in f16.
#pragma once

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Quantization/QuantizeKvCache.h.inc"
} // namespace llmc::passes
