#include "compiler/Pipeline/Lowering.h"

#include "compiler/Pipeline/Packing.h"
#include "compiler/Pipeline/Placement.h"
#include "compiler/Pipeline/WeightBudget.h"
#include "passes/Fusion/Fuse.h"
#include "passes/Lowering/LowerNpuToPlan.h"
#include "passes/Memory/LayoutWeights.h"
#include "passes/Memory/PageWeights.h"
#include "passes/Memory/PlanMemory.h"
#include "passes/Memory/Synchronize.h"
#include "passes/Specialization/Specialize.h"
#include "passes/Tiling/Tile.h"

#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace llmc {

static uint32_t granuleOf(const PlanDevice &device) {
  return device.target->rowGranule(*device.machine);
}

/// Pages are runs of rows, of whoever reads them.
static bool canPage(ModuleOp module, const PlanDevices &devices) {
  WalkResult all = module.walk([&](Operation *op) {
    return granuleOf(devices.of(op)) == 1 ? WalkResult::advance() : WalkResult::interrupt();
  });
  return !all.wasInterrupted();
}

LogicalResult describeMachine(ModuleOp module, const PlanDevices &devices, uint64_t weightBudget) {
  const target::Target &target = *devices.own.target;
  const target::Machine &machine = *devices.own.machine;
  bool direct = machine.dispatch == target::DispatchKind::Kernel;
  if (direct && failed(placeWeights(module, devices, weightBudget > 0 || machine.pagesWeights())))
    return failure();
  bool pages = direct && canPage(module, devices);
  if (machine.pagesWeights() && !pages)
    return module.emitError() << "machine '" << machine.name << "' has its weights in '"
                              << machine.placement.weights
                              << "', flash without addresses, but its target packs several rows "
                                 "together or streams weights by itself and cannot page them; "
                                 "place weights in a memory of kind flash-xip or dram";
  if (weightBudget && !pages)
    return module.emitError() << "machine '" << machine.name
                              << "' does not page weights: its target packs several rows together "
                                 "or streams weights by itself; leave the weight budget out";
  if (machine.pagesWeights() && !weightBudget) {
    FailureOr<uint64_t> left = weightBudgetOf(module, devices);
    if (failed(left))
      return failure();
    weightBudget = *left;
  }
  const target::Memory &buffers =
      direct ? *machine.memory(machine.placement.scratch) : machine.sram();
  constexpr int64_t kRecord = 16; // alignment of the row records of stream machines
  SmallVector<int64_t> chunks(devices.chunks.begin(), devices.chunks.end());
  module->setAttr(npu::TargetAttr::moduleAttributeName,
                  npu::TargetAttr::get(module.getContext(), machine.name, int64_t(buffers.bytes),
                                       buffers.alignment, target.rowGranule(machine), kRecord,
                                       chunks, machine.headRows, direct, int64_t(weightBudget),
                                       devices.fallback ? granuleOf(*devices.fallback) : 0));
  if (!direct && target.readsRowRecords())
    return success();
  npu::PackingAttr packing = packingOf(module, devices);
  if (!packing)
    return failure();
  module->setAttr(npu::PackingAttr::moduleAttributeName, packing);
  return success();
}

void buildLoweringPipeline(OpPassManager &manager, const PlanDevices *devices) {
  manager.addPass(passes::createSpecializePass());
  manager.addNestedPass<func::FuncOp>(passes::createFusePass());
  manager.addPass(passes::createLayoutWeightsPass());
  manager.addPass(passes::createTilePass());
  manager.addPass(passes::createPageWeightsPass());
  if (devices && devices->fallback)
    manager.addPass(createPlaceKernelsPass(*devices));
  manager.addPass(passes::createPlanMemoryPass());
  manager.addNestedPass<npu::ProgramOp>(passes::createSynchronizePass());
  manager.addPass(passes::createLowerNpuToPlanPass());
}

void registerLowering() {
  passes::registerSpecializePass();
  passes::registerFusePass();
  passes::registerLayoutWeightsPass();
  passes::registerTilePass();
  passes::registerPageWeightsPass();
  passes::registerPlanMemoryPass();
  passes::registerSynchronizePass();
  passes::registerLowerNpuToPlanPass();
  PassPipelineRegistration<>("llmc-lower", "From the quantized lm program to the plan",
                             [](OpPassManager &manager) { buildLoweringPipeline(manager); });
}

} // namespace llmc
