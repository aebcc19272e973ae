#include "passes/Lowering/PlanShapes.h"

using namespace mlir;

namespace llmc::passes {

LogicalResult missing(Operation *op, const char *what) {
  return op->emitError() << "llmc-lower-npu-to-plan needs " << what;
}

FailureOr<PlanShapes> PlanShapes::of(ModuleOp module, ArrayRef<npu::ProgramOp> programs,
                                     lm::KvStateOp cache, plan::ModelOp model) {
  PlanShapes shapes;
  shapes.kv = npu::KvLayout::of(cache);
  shapes.io.hidden = int64_t(model.getHidden());
  shapes.vocabulary = model.getVocabulary();
  shapes.context = model.getContext();
  if (!shapes.io.hidden || !shapes.vocabulary || !shapes.context)
    return missing(model, "a context, a vocabulary and a hidden size");
  if (failed(shapes.measurePrograms(module, programs)) || failed(shapes.measureState(cache)))
    return failure();
  return shapes;
}

LogicalResult PlanShapes::measurePrograms(ModuleOp module, ArrayRef<npu::ProgramOp> programs) {
  // Programs address Io by the rows it was laid out for, whichever entries are left.
  std::optional<int64_t> chunkRows = npu::NpuDialect::chunkRowsOf(module);
  if (!chunkRows)
    return missing(module, "'npu.chunk_rows' on the module; run llmc-tile first");
  io.rows = *chunkRows;
  for (npu::ProgramOp program : programs) {
    if (int64_t(program.getRows()) > io.rows)
      return program.emitError() << "entry '" << program.getSymName() << "' has "
                                 << program.getRows() << " rows, 'npu.chunk_rows' says " << io.rows
                                 << " at most";
    if (isHead(program))
      headRows = std::max<uint64_t>(headRows, program.getRows());
    sramBytes = std::max(sramBytes, *program.getSramBytes());
    scratchBytes = std::max(scratchBytes, program.getScratchBytes());
    pages.add(program);
  }
  for (auto constant : module.getOps<npu::ConstantOp>()) {
    uint64_t &bytes = constant.getPaged() ? pagedBytes : weightsBytes;
    bytes = std::max(bytes, constant.getOffset() + constant.getBytes());
  }
  if (weightsBytes == 0)
    return missing(module, "npu.constant; run llmc-layout-weights first");
  return success();
}

LogicalResult PlanShapes::measureState(lm::KvStateOp cache) {
  if (!cache.getElement().isF16())
    return cache.emitError() << "holds " << cache.getElement() << ", a plan's KV cache holds f16";
  if (kv.layers > UINT16_MAX || kv.kvHeads > UINT16_MAX || kv.headDim > UINT16_MAX)
    return cache.emitError() << "layers, heads and head_dim of a state have 16 bits";
  if (uint64_t(kv.capacity) < context)
    return cache.emitError() << "holds " << kv.capacity << " positions, the context is " << context;
  if (kv.capacity > UINT32_MAX || kv.headBytes() > UINT32_MAX || kv.layerBytes() > UINT32_MAX)
    return cache.emitError() << "takes more than " << UINT32_MAX
                             << " bytes a layer, a state's strides have 32 bits; use a shorter "
                                "context";
  return success();
}

} // namespace llmc::passes
