#include "compiler/Pipeline/Lowering.h"

#include "passes/Fusion/Fuse.h"
#include "passes/Lowering/LowerNpuToPlan.h"
#include "passes/Memory/LayoutWeights.h"
#include "passes/Memory/PlanMemory.h"
#include "passes/Memory/Synchronize.h"
#include "passes/Specialization/Specialize.h"
#include "passes/Tiling/Tile.h"

#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace llmc {

npu::TargetAttr targetAttribute(MLIRContext &context, const target::Target &target,
                                const target::Machine &machine) {
  const target::Memory &sram = machine.sram();
  SmallVector<int64_t> chunks(machine.prefillChunks.begin(), machine.prefillChunks.end());
  return npu::TargetAttr::get(&context, machine.name, int64_t(sram.bytes), sram.alignment,
                              target.rowGranule(machine), 16, chunks, machine.headRows);
}

void buildLoweringPipeline(OpPassManager &manager) {
  manager.addPass(passes::createSpecializePass());
  manager.addNestedPass<func::FuncOp>(passes::createFusePass());
  manager.addPass(passes::createLayoutWeightsPass());
  manager.addPass(passes::createTilePass());
  manager.addPass(passes::createPlanMemoryPass());
  manager.addNestedPass<npu::ProgramOp>(passes::createSynchronizePass());
  manager.addPass(passes::createLowerNpuToPlanPass());
}

void registerLowering() {
  passes::registerSpecializePass();
  passes::registerFusePass();
  passes::registerLayoutWeightsPass();
  passes::registerTilePass();
  passes::registerPlanMemoryPass();
  passes::registerSynchronizePass();
  passes::registerLowerNpuToPlanPass();
  PassPipelineRegistration<>("llmc-lower", "From the quantized lm program to the plan",
                             buildLoweringPipeline);
}

} // namespace llmc
