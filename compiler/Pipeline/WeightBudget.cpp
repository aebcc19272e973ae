#include "compiler/Pipeline/WeightBudget.h"

#include "dialects/Lm/Lm.h"
#include "dialects/Npu/IoLayout.h"
#include "dialects/Npu/KvLayout.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace llmc {

namespace {

/// With the capacity that specialization will give it.
uint64_t stateBytes(ModuleOp module, const PlanDevices &devices) {
  uint64_t bytes = 0;
  for (auto state : module.getOps<lm::KvStateOp>()) {
    npu::KvLayout layout = npu::KvLayout::of(state);
    layout.capacity = int64_t(llvm::alignTo(uint64_t(layout.capacity), devices.chunks.front()));
    bytes += uint64_t(layout.bytes());
  }
  return bytes;
}

/// Ids, hidden rows and logits.
uint64_t ioBytes(ModuleOp module, const PlanDevices &devices) {
  constexpr uint64_t line = 64;
  npu::IoLayout layout;
  layout.rows = devices.chunks.front();
  auto columns = [](Type type) { return cast<RankedTensorType>(type).getShape().back(); };
  auto main = module.lookupSymbol<func::FuncOp>("main");
  main.walk([&](lm::QuantizedEmbedOp embed) {
    layout.hidden = std::max(layout.hidden, columns(embed.getResult().getType()));
  });
  const int64_t vocabulary = columns(main.getFunctionType().getResult(0));
  return llvm::alignTo(uint64_t(layout.rows) * 4, line) + uint64_t(layout.logitsOffset()) +
         uint64_t(devices.own.machine->headRows) * uint64_t(vocabulary) * 4;
}

} // namespace

FailureOr<uint64_t> weightBudgetOf(ModuleOp module, const PlanDevices &devices) {
  const target::Machine &machine = *devices.own.machine;
  const target::Memory &memory = *machine.memory(machine.placement.state);
  uint64_t taken = stateBytes(module, devices);
  if (machine.placement.io == machine.placement.state)
    taken += ioBytes(module, devices);
  if (taken >= memory.bytes)
    return module.emitError() << machine.name << " has " << memory.bytes << " bytes of memory '"
                              << memory.name << "', the KV cache and results take " << taken
                              << ", and nothing is left for pages of its weights; use a shorter "
                                 "context or another machine";
  const uint64_t left = memory.bytes - taken;
  return left - left / 8;
}

} // namespace llmc
