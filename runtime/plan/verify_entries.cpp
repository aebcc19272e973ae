#include "runtime/plan/params.h"
#include "runtime/plan/verifier.h"

namespace llmc::rt {

Status PlanVerifier::checkEntry(uint32_t index) {
  Scope scope;
  scope.entry = plan.entry(index);
  scope.index = index;
  const EntryView &entry = scope.entry;
  if (entry.kind() > EntryKind::Embed || entry.targetMask() >> plan.nTargets())
    return Status(LLMC_BAD_VALUE, LLMC_AT_ENTRY, index);
  if (entry.nSteps() == 0 || !fits(entry.firstStep(), entry.nSteps(), plan.steps().size))
    return Status(LLMC_BAD_RANGE, LLMC_AT_ENTRY, index);
  for (uint16_t state : entry.states())
    if (state >= plan.states().size)
      return Status(LLMC_BAD_INDEX, LLMC_AT_ENTRY, index);
  Span<const uint64_t> peaks = entry.peakBytes();
  if (peaks.size != plan.regions().size)
    return Status(LLMC_BAD_VALUE, LLMC_AT_ENTRY, index);
  for (uint32_t i = 0; i < peaks.size; ++i)
    if (peaks[i] > plan.regions()[i].size)
      return Status(LLMC_BAD_RANGE, LLMC_AT_ENTRY, index);
  Status status = boundParams(scope);
  if (!status.ok())
    return status;
  uint32_t n = entry.nInputs();
  for (uint32_t i = 0; i < n + entry.nOutputs(); ++i) {
    TensorView tensor = i < n ? entry.input(i) : entry.output(i - n);
    status = checkTensor(scope, tensor, index * 256 + i);
    if (!status.ok())
      return status;
    // Ids come in and logits go out; the other way round nothing would read or write them.
    if ((tensor.role() == TensorRole::Ids && i >= n) ||
        (tensor.role() == TensorRole::Logits && i < n))
      return Status(LLMC_BAD_VALUE, LLMC_AT_TENSOR, index * 256 + i);
  }
  return checkSteps(scope);
}

/// The most that every parameter can be while this entry runs.
Status PlanVerifier::boundParams(Scope &scope) {
  const EntryView &entry = scope.entry;
  Span<const Param> params = plan.params();
  bool positioned = !entry.states().empty();
  if (entry.chunk() == 0 || entry.chunk() > params[LLMC_P_N_TOKENS].max ||
      entry.posMax() > (positioned ? params[LLMC_P_POS].max : 0))
    return Status(LLMC_BAD_VALUE, LLMC_AT_ENTRY, scope.index);
  uint8_t row = entry.rowParam();
  if (row == none8 ? entry.rowMax() != 0 : row >= params.size)
    return Status(LLMC_BAD_INDEX, LLMC_AT_ENTRY, scope.index);
  if (row != none8 &&
      (row < 3 || params[row].kind != ParamKind::Input || entry.rowMax() > params[row].max))
    return Status(LLMC_BAD_VALUE, LLMC_AT_ENTRY, scope.index);
  scope.bounds[LLMC_P_POS] = entry.posMax();
  scope.bounds[LLMC_P_N_TOKENS] = entry.chunk();
  uint64_t length = uint64_t(entry.posMax()) + entry.chunk();
  uint32_t most = params[LLMC_P_KV_LEN].max;
  scope.bounds[LLMC_P_KV_LEN] = length < most ? uint32_t(length) : most;
  for (uint32_t i = 3; i < params.size; ++i) {
    scope.bounds[i] = params[i].max;
    if (i == row)
      scope.bounds[i] = entry.rowMax();
    // At most the stated maximum, since the bounds before it are.
    if (isDerived(params[i]))
      scope.bounds[i] = uint32_t(derivedBound(params[i], scope.bounds));
  }
  return {};
}

Status PlanVerifier::checkTensor(const Scope &scope, const TensorView &tensor, uint32_t detail) {
  if (tensor.role() > TensorRole::Logits || tensor.dtype() > DType::U4)
    return Status(LLMC_BAD_VALUE, LLMC_AT_TENSOR, detail);
  if (tensor.operand() >= plan.operands().size)
    return Status(LLMC_BAD_INDEX, LLMC_AT_TENSOR, detail);
  const Operand &operand = plan.operands()[tensor.operand()];
  if (operand.flags != operandStatic)
    return Status(LLMC_BAD_VALUE, LLMC_AT_TENSOR, detail);
  uint64_t elements = 1;
  Span<const uint32_t> dims = tensor.dims();
  for (uint32_t dim : dims) {
    if (dim == 0 || elements > 0xFFFFFFFFu)
      return Status(LLMC_BAD_VALUE, LLMC_AT_TENSOR, detail);
    elements *= dim;
  }
  if (elements > (uint64_t(1) << 56) ||
      (elements * bitsOf(tensor.dtype()) + 7) / 8 != operand.extent)
    return Status(LLMC_BAD_RANGE, LLMC_AT_TENSOR, detail);
  uint8_t access = plan.regions()[operand.region].access;
  uint32_t vocab = scope.entry.vocab();
  bool hasVocab = vocab >= 1 && vocab <= 0x7FFFFFFFu;
  if (tensor.role() == TensorRole::Ids &&
      (tensor.dtype() != DType::I32 || elements != scope.entry.chunk() || !hasVocab ||
       !(access & cpuWrites)))
    return Status(LLMC_BAD_VALUE, LLMC_AT_TENSOR, detail);
  // Logits are read where they lie, as floats.
  bool floatAligned = operand.offset % 4 == 0 && plan.regions()[operand.region].alignLog2 >= 2;
  if (tensor.role() == TensorRole::Logits &&
      (tensor.dtype() != DType::F32 || dims[dims.size - 1] != vocab || !hasVocab ||
       elements / vocab != scope.entry.chunk() || !(access & cpuReads) || !floatAligned))
    return Status(LLMC_BAD_VALUE, LLMC_AT_TENSOR, detail);
  return {};
}

/// Walks the steps once: loops nest, the last step and no other is End, and every use is proved.
Status PlanVerifier::checkSteps(Scope &scope) {
  uint32_t first = scope.entry.firstStep(), last = first + scope.entry.nSteps() - 1;
  for (uint32_t at = first; at <= last; ++at) {
    const Step &step = plan.steps()[at];
    if ((step.op == StepOp::End) != (at == last))
      return Status(LLMC_BAD_NESTING, LLMC_AT_STEP, at);
    scope.executed += scope.multiplier;
    if (scope.executed > maxExecutedSteps)
      return Status(LLMC_BAD_RANGE, LLMC_AT_STEP, at);
    if (Status status = checkStep(scope, at); !status.ok())
      return status;
  }
  if (scope.depth != 0)
    return Status(LLMC_BAD_NESTING, LLMC_AT_STEP, scope.loops[scope.depth - 1].begin);
  if (scope.usedTargets & ~scope.entry.targetMask())
    return Status(LLMC_BAD_VALUE, LLMC_AT_ENTRY, scope.index);
  return {};
}

} // namespace llmc::rt
