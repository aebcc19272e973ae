// Pass llmc-collect-weight-statistics: measures every fp32 weight.
#pragma once

#include "passes/Quantization/WeightValues.h"

#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Quantization/CollectWeightStatistics.h.inc"

std::unique_ptr<mlir::Pass> createCollectWeightStatisticsPass(DoneReading done);
} // namespace llmc::passes
