#include "compiler/Pipeline/Lowering.h"

#include "compiler/Pipeline/Packing.h"
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

LogicalResult describeMachine(ModuleOp module, const target::Target &target,
                              const target::Machine &machine) {
  bool direct = machine.dispatch == target::DispatchKind::Kernel;
  const target::Memory &buffers =
      direct ? *machine.memory(machine.placement.scratch) : machine.sram();
  constexpr int64_t kRecord = 16; // alignment of the row records of stream machines
  SmallVector<int64_t> chunks(machine.prefillChunks.begin(), machine.prefillChunks.end());
  module->setAttr(npu::TargetAttr::moduleAttributeName,
                  npu::TargetAttr::get(module.getContext(), machine.name, int64_t(buffers.bytes),
                                       buffers.alignment, target.rowGranule(machine), kRecord,
                                       chunks, machine.headRows, direct));
  if (!direct)
    return success();
  npu::PackingAttr packing = packingOf(module, target, machine);
  if (!packing)
    return failure();
  module->setAttr(npu::PackingAttr::moduleAttributeName, packing);
  return success();
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
