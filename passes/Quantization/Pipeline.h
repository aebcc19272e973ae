// Bundle llmc-quantize: from the raised fp32 program to the quantized one.
#pragma once

#include "passes/Quantization/Recipe.h"
#include "passes/Quantization/WeightValues.h"

#include "mlir/Pass/PassManager.h"

namespace llmc::passes {

/// Chooses formats, collects statistics, rounds weights and, where the recipe says so, the cache.
void buildQuantizePipeline(mlir::OpPassManager &manager, const Recipe &recipe,
                           const DoneReading &done = {});

/// Every pass of this folder, and the bundle `llmc-quantize` with the option
/// `recipe=NAME|FILE.json`.
void registerQuantizationPasses();

} // namespace llmc::passes
