// The part of the pipeline behind quantization: from the lm program to planned npu programs.
#pragma once

#include "dialects/Npu/Npu.h"
#include "targets/Interface/Target.h"

#include "mlir/Pass/PassManager.h"

namespace llmc {

/// What the passes are told of a machine.
npu::TargetAttr targetAttribute(mlir::MLIRContext &context, const target::Target &target,
                                const target::Machine &machine);

/// specialize, fuse, tile, plan-memory, synchronize, as named bundles that llmc-opt runs alone as
/// well.
void buildLoweringPipeline(mlir::OpPassManager &manager);

/// Registers every pass and bundle of the lowering with llmc-opt.
void registerLowering();

} // namespace llmc
