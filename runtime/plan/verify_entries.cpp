#include "runtime/plan/params.h"

#include "runtime/base/small.h"
#include "runtime/plan/verifier.h"

namespace llmc::rt {
LLMC_SMALL_BEGIN

Code PlanVerifier::check(const Entry &record, uint32_t index) {
  entry = &record;
  uint32_t firstStep = record.firstStep, firstTensor = record.firstTensor;
  uint32_t nTensors = uint32_t(record.nInputs) + record.nOutputs;
  if (record.targetMask >> plan.nTargets())
    return LLMC_BAD_VALUE;
  if (uint32_t(record.firstState) + record.nStates > count(fb::plan::states) ||
      firstTensor + nTensors > count(fb::plan::tensors))
    return LLMC_BAD_INDEX;
  if (firstStep != lastStep + 1 || record.nSteps > plan.steps().size - firstStep)
    return LLMC_BAD_RANGE;
  lastStep = firstStep + record.nSteps - 1;
  Code code = boundParams();
  for (uint32_t i = 0; code == LLMC_OK && i < nTensors; ++i) {
    fail(LLMC_OK, LLMC_AT_TENSOR, firstTensor + i);
    code = checkRole(plan.tensors()[detail], i < record.nInputs);
  }
  if (code == LLMC_OK)
    code = checkSteps();
  for (uint32_t q = 0; code == LLMC_OK && q < plan.queues().size; ++q)
    if (usedQueues[q] && !(record.targetMask >> plan.queues()[q].target & 1))
      code = fail(LLMC_BAD_VALUE, LLMC_AT_ENTRY, index);
  return code;
}

/// The most that every parameter can be while this entry runs.
Code PlanVerifier::boundParams() {
  Span<const Param> params = plan.params();
  uint32_t chunk = entry->chunk, posMax = entry->posMax, rowMax = entry->rowMax;
  bool isPositioned = entry->nStates != 0;
  if (chunk > params[LLMC_P_N_TOKENS].max || posMax > (isPositioned ? params[LLMC_P_POS].max : 0))
    return LLMC_BAD_VALUE;
  uint8_t row = entry->rowParam;
  if (row == none8 ? rowMax != 0
                   : row < 3 || params[row].kind != ParamKind::Input || rowMax > params[row].max)
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

/// Ids are written by the CPU as they come in, one for each row. Logits are read by it where they
/// lie, as floats, a row of the vocabulary for each.
Code PlanVerifier::checkRole(const Tensor &tensor, bool isInput) const {
  bool isIds = tensor.role == TensorRole::Ids;
  if (!isIds && tensor.role != TensorRole::Logits)
    return LLMC_OK;
  const Operand &operand = plan.operands()[tensor.operand];
  const Region &region = plan.regions()[operand.region];
  uint32_t vocab = entry->vocab;
  uint64_t elements = operand.extent / 4, perRow = isIds ? 1 : vocab;
  if (isIds != isInput || vocab - 1 >= 0x7FFFFFFFu || elements != perRow * entry->chunk ||
      tensor.dtype != (isIds ? DType::I32 : DType::F32) ||
      !hasAddress(region, isIds ? cpuWrites : cpuReads))
    return LLMC_BAD_VALUE;
  bool isAligned = operand.offset % 4 == 0 && region.alignLog2 >= 2;
  uint32_t last = plan.numbers()[tensor.firstDim + tensor.rank - 1u];
  return isIds || (last == vocab && isAligned) ? LLMC_OK : LLMC_BAD_VALUE;
}

LLMC_SMALL_END
} // namespace llmc::rt
