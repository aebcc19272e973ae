#include "runtime/plan/params.h"

#include "runtime/base/small.h"
#include "runtime/plan/verifier.h"

namespace llmc::rt {
LLMC_SMALL_BEGIN

Code PlanVerifier::checkEntry(uint32_t index) {
  fail(LLMC_OK, LLMC_AT_ENTRY, index);
  entry.read(plan.entryTable(index));
  uint32_t nSteps = entry.nSteps();
  firstStep = entry.firstStep();
  if (entry.kind() > EntryKind::Embed || entry.targetMask() >> plan.nTargets())
    return LLMC_BAD_VALUE;
  if (firstStep != lastStep + 1 || nSteps == 0 || nSteps > plan.steps().size - firstStep)
    return LLMC_BAD_RANGE;
  lastStep = firstStep + nSteps - 1;
  for (uint16_t state : entry.states())
    if (state >= count(fb::plan::states))
      return LLMC_BAD_INDEX;
  Span<const uint64_t> peaks = entry.peakBytes();
  Span<const Region> regions = plan.regions();
  if (peaks.size != regions.size)
    return LLMC_BAD_VALUE;
  for (uint32_t i = 0; i < peaks.size; ++i)
    if (peaks[i] > regions[i].size)
      return LLMC_BAD_RANGE;
  Code code = boundParams();
  if (code == LLMC_OK)
    code = checkTensors();
  if (code == LLMC_OK)
    code = checkSteps();
  for (uint32_t q = 0; code == LLMC_OK && q < plan.queues().size; ++q)
    if (usedQueues[q] && !(entry.targetMask() >> plan.queues()[q].target & 1))
      code = fail(LLMC_BAD_VALUE, LLMC_AT_ENTRY, index);
  return code;
}

/// The most that every parameter can be while this entry runs.
Code PlanVerifier::boundParams() {
  Span<const Param> params = plan.params();
  uint32_t chunk = entry.chunk(), posMax = entry.posMax(), rowMax = entry.rowMax();
  bool isPositioned = !entry.states().empty();
  if (chunk == 0 || chunk > params[LLMC_P_N_TOKENS].max ||
      posMax > (isPositioned ? params[LLMC_P_POS].max : 0))
    return LLMC_BAD_VALUE;
  uint8_t row = entry.rowParam();
  if (row == none8 ? rowMax != 0 : row >= params.size)
    return LLMC_BAD_INDEX;
  if (row != none8 && (row < 3 || params[row].kind != ParamKind::Input || rowMax > params[row].max))
    return LLMC_BAD_VALUE;
  for (uint32_t i = 0; i < params.size; ++i) {
    uint32_t most = params[i].max;
    if (i == LLMC_P_POS)
      most = posMax;
    else if (i == LLMC_P_N_TOKENS)
      most = chunk;
    else if (i == LLMC_P_KV_LEN && uint64_t(posMax) + chunk < most)
      most = posMax + chunk;
    else if (i == row)
      most = rowMax;
    else if (isDerived(params[i])) // at most the stated maximum, since the bounds before it are
      most = uint32_t(derive(params[i], bounds, true));
    bounds[i] = most;
  }
  return LLMC_OK;
}

Code PlanVerifier::checkTensors() {
  uint32_t index = detail, nInputs = entry.nInputs(), n = nInputs + entry.nOutputs();
  for (uint32_t i = 0; i < n; ++i) {
    fail(LLMC_OK, LLMC_AT_TENSOR, index * 256 + i);
    if (Code code = checkTensor(TensorView(entry.tensorTable(i)), i < nInputs); code != LLMC_OK)
      return code;
  }
  return LLMC_OK;
}

Code PlanVerifier::checkTensor(const TensorView &tensor, bool isInput) const {
  TensorRole role = tensor.role();
  DType type = tensor.dtype();
  uint32_t index = tensor.operand();
  if (role > TensorRole::Logits || type > DType::U4)
    return LLMC_BAD_VALUE;
  if (index >= plan.operands().size)
    return LLMC_BAD_INDEX;
  const Operand &operand = plan.operands()[index];
  if (operand.flags != operandStatic)
    return LLMC_BAD_VALUE;
  uint64_t elements = 1;
  uint32_t last = 0;
  for (uint32_t dim : tensor.dims()) {
    last = dim;
    elements *= dim;
    if (elements == 0 || elements > none32)
      return LLMC_BAD_VALUE;
  }
  if ((elements * bitsOf(type) + 7) / 8 != size_t(operand.extent))
    return LLMC_BAD_RANGE;
  if (role != TensorRole::Ids && role != TensorRole::Logits)
    return LLMC_OK;
  // Ids are written by the CPU as they come in, one for each row. Logits are read by it where they
  // lie, as floats, a row of the vocabulary for each.
  bool isIds = role == TensorRole::Ids;
  const Region &region = plan.regions()[operand.region];
  uint32_t vocab = entry.vocab();
  uint64_t perRow = isIds ? 1 : vocab;
  if (isIds != isInput || vocab - 1 >= 0x7FFFFFFFu || elements != perRow * entry.chunk() ||
      type != (isIds ? DType::I32 : DType::F32) ||
      !hasAddress(region, isIds ? cpuWrites : cpuReads))
    return LLMC_BAD_VALUE;
  bool isAligned = operand.offset % 4 == 0 && region.alignLog2 >= 2;
  return isIds || (last == vocab && isAligned) ? LLMC_OK : LLMC_BAD_VALUE;
}

LLMC_SMALL_END
} // namespace llmc::rt
