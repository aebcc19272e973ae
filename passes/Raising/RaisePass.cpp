#include "passes/Raising/RaisePass.h"

using namespace mlir;

namespace llmc::passes {

LogicalResult runStep(ModuleOp module, RaiseReport &report,
                      llvm::function_ref<LogicalResult(RaiseStep &)> step) {
  func::FuncOp program = programOf(module);
  if (!program)
    return failure();
  RaiseStep state{module, program, report};
  if (failed(step(state)))
    return failure();
  foldBatchBridges(program);
  eraseDeadNodes(program);
  return success();
}

bool isActivation(ArrayRef<Probe> probes, Value value) { return channelsOf(probes, value) > 0; }

int64_t channelsOf(ArrayRef<Probe> probes, Value value) {
  int64_t channels = 0;
  for (const Probe &probe : probes) {
    const HostTensor *tensor = probe.find(value);
    if (!tensor || tensor->hasData || !tensor->isFloat() || tensor->rank() != 3 ||
        tensor->shape[0] != 1 || tensor->shape[1] != probe.point().tokens)
      return 0;
    if (channels != 0 && channels != tensor->shape[2])
      return 0;
    channels = tensor->shape[2];
  }
  return channels;
}

std::optional<float> scalarConstant(ArrayRef<Probe> probes, Value value) {
  std::optional<float> result;
  for (const Probe &probe : probes) {
    const HostTensor *tensor = probe.findData(value);
    if (!tensor || !tensor->isFloat() || tensor->size() != 1)
      return std::nullopt;
    if (result && *result != tensor->floats[0])
      return std::nullopt;
    result = tensor->floats[0];
  }
  return result;
}

void replaceByRows(MutableArrayRef<Probe> probes, OpBuilder &builder, Value value, Value rows) {
  Value batched = addBatch(builder, value.getLoc(), rows, value.getType());
  for (Probe &probe : probes)
    probe.adopt(batched, value);
  value.replaceAllUsesWith(batched);
}

lm::OpaqueOp soleUser(Value value) {
  return value.hasOneUse() ? dyn_cast<lm::OpaqueOp>(*value.user_begin()) : lm::OpaqueOp();
}

} // namespace llmc::passes
