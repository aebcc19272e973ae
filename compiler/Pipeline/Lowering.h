// The part of the pipeline behind quantization: from the lm program to the plan.
#pragma once

#include "compiler/Emit/PlanDevices.h"
#include "dialects/Npu/Npu.h"

#include "mlir/Pass/PassManager.h"

namespace llmc {

/// Tells the passes of the machine that the quantized program is for, and which weights the
/// fallback device reads. With a `weightBudget`, or on a machine whose weights have no addresses,
/// weights lie in paged flash, and so many bytes of memory, or what the machine's leaves, hold what
/// is in use of them. Errors: weights that no device takes, or cannot page; a memory that leaves
/// nothing.
mlir::LogicalResult describeMachine(mlir::ModuleOp module, const PlanDevices &devices,
                                    uint64_t weightBudget = 0);

/// specialize, fuse, layout-weights, tile, page-weights, place-kernels where `devices` have a
/// fallback, plan-memory, synchronize, lower-npu-to-plan. The last one needs what describePlan()
/// says of the model.
void buildLoweringPipeline(mlir::OpPassManager &manager, const PlanDevices *devices = nullptr);

/// Registers every pass and bundle of the lowering with llmc-opt.
void registerLowering();

} // namespace llmc
