#include "runtime/plan/verifier.h"

namespace llmc::rt {
namespace {

Status stepError(Code code, uint32_t at) { return Status(code, LLMC_AT_STEP, at); }

/// Fields that an operation does not use are zero, so that they can get a meaning later.
bool unusedAreZero(const Step &step) {
  bool usesQueue = step.op == StepOp::Dispatch || step.op == StepOp::Dma ||
                   step.op == StepOp::Wait || step.op == StepOp::CacheClean ||
                   step.op == StepOp::CacheInvalidate;
  if ((!usesQueue && step.queue != 0) ||
      (step.flags & ~(step.op == StepOp::LoopBegin ? loopCountIsParam : 0)))
    return false;
  switch (step.op) {
  case StepOp::End:
  case StepOp::Barrier:
  case StepOp::Yield:
    return step.a == 0 && step.b == 0 && step.c == 0;
  case StepOp::Wait:
  case StepOp::CacheClean:
  case StepOp::CacheInvalidate:
  case StepOp::LoopEnd:
  case StepOp::KvCommit:
  case StepOp::Mark:
    return step.b == 0 && step.c == 0;
  default:
    return true;
  }
}

} // namespace

Status PlanVerifier::checkUse(const Scope &scope, uint32_t index, uint8_t access, bool byCpu,
                              uint32_t at) const {
  if (index >= plan.operands().size)
    return stepError(LLMC_BAD_INDEX, at);
  const Operand &operand = plan.operands()[index];
  const Region &region = plan.regions()[operand.region];
  uint8_t needed = 0;
  if (access & LLMC_READ)
    needed |= byCpu ? cpuReads : deviceReads;
  if (access & LLMC_WRITE)
    needed |= byCpu ? cpuWrites : deviceWrites;
  if ((access & ~operand.access) || (needed & ~region.access) ||
      region.kind == RegionKind::FlashPaged)
    return stepError(LLMC_BAD_VALUE, at);
  return checkRange(scope, index);
}

Status PlanVerifier::checkRange(const Scope &scope, uint32_t index) const {
  const Operand &operand = plan.operands()[index];
  if (operand.flags & operandStatic)
    return {};
  // checkOperands proved the range with every parameter 0; what is left of the buffer after it:
  const Buffer &buffer = plan.buffers()[operand.buffer];
  uint64_t left = buffer.size - operand.extent - (operand.offset - buffer.offset);
  for (unsigned k = 0; k < 3; ++k) {
    if (operand.param[k] == none8)
      continue;
    uint64_t farthest = uint64_t(scope.bounds[operand.param[k]]) * operand.stride[k];
    if (farthest > left)
      return Status(LLMC_BAD_RANGE, LLMC_AT_OPERAND, index);
    left -= farthest;
  }
  return {};
}

Status PlanVerifier::checkArgs(const Scope &scope, uint32_t first, uint32_t n, bool byCpu,
                               uint32_t at) const {
  if (n > maxArgs || !fits(first, n, plan.args().size))
    return stepError(LLMC_BAD_INDEX, at);
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t index = plan.args()[first + i];
    if (index >= plan.operands().size)
      return stepError(LLMC_BAD_INDEX, at);
    Status status = checkUse(scope, index, plan.operands()[index].access, byCpu, at);
    if (!status.ok())
      return status;
  }
  return {};
}

Status PlanVerifier::checkQueue(Scope &scope, const Step &step, uint32_t at) {
  if (step.queue >= plan.queues().size)
    return stepError(LLMC_BAD_INDEX, at);
  scope.usedTargets |= 1u << plan.queues()[step.queue].target;
  return {};
}

Status PlanVerifier::checkStep(Scope &scope, uint32_t at) {
  const Step &step = plan.steps()[at];
  if (step.op > StepOp::Mark || !unusedAreZero(step))
    return stepError(LLMC_BAD_VALUE, at);
  switch (step.op) {
  case StepOp::Dispatch:
    return checkDispatch(scope, step, at);
  case StepOp::Dma:
    return checkDma(scope, step, at);
  case StepOp::Prefetch:
    return checkPrefetch(scope, step, at);
  case StepOp::Wait:
    return step.queue == sourceQueue ? Status() : checkQueue(scope, step, at);
  case StepOp::CacheClean:
  case StepOp::CacheInvalidate: {
    usedFeatures |= featureCache;
    Status status = checkQueue(scope, step, at);
    return status.ok() ? checkUse(scope, step.a, 0, true, at) : status;
  }
  case StepOp::LoopBegin:
    return checkLoopBegin(scope, step, at);
  case StepOp::LoopEnd:
    return checkLoopEnd(scope, step, at);
  case StepOp::KvCommit:
    return checkKvCommit(scope, step, at);
  case StepOp::Gather:
    return checkGather(scope, step, at);
  case StepOp::HostCall:
    usedFeatures |= featureHostCall;
    return checkArgs(scope, step.b, step.c, true, at);
  default: // End, Barrier, Yield, Mark
    return {};
  }
}

Status PlanVerifier::checkDispatch(Scope &scope, const Step &step, uint32_t at) {
  if (Status status = checkQueue(scope, step, at); !status.ok())
    return status;
  if (step.a >= plan.kernels().size)
    return stepError(LLMC_BAD_INDEX, at);
  const Kernel &kernel = plan.kernels()[step.a];
  if (kernel.target != plan.queues()[step.queue].target || kernel.nArgs != step.c)
    return stepError(LLMC_BAD_VALUE, at);
  return checkArgs(scope, step.b, step.c, false, at);
}

Status PlanVerifier::checkDma(Scope &scope, const Step &step, uint32_t at) {
  usedFeatures |= featureDma;
  if (Status status = checkQueue(scope, step, at); !status.ok())
    return status;
  if (step.c >= plan.dmas().size)
    return stepError(LLMC_BAD_INDEX, at);
  if (Status status = checkUse(scope, step.a, LLMC_READ, false, at); !status.ok())
    return status;
  if (Status status = checkUse(scope, step.b, LLMC_WRITE, false, at); !status.ok())
    return status;
  const Dma &dma = plan.dmas()[step.c];
  if (dma.rowsParam != none8 && scope.bounds[dma.rowsParam] > dma.rows)
    return stepError(LLMC_BAD_RANGE, at);
  uint64_t steps = dma.rows - 1;
  const Operand &src = plan.operands()[step.a], &dst = plan.operands()[step.b];
  if (!fits(steps * dma.srcPitch, dma.rowBytes, src.extent) ||
      !fits(steps * dma.dstPitch, dma.rowBytes, dst.extent))
    return stepError(LLMC_BAD_RANGE, at);
  return {};
}

Status PlanVerifier::checkPrefetch(Scope &scope, const Step &step, uint32_t at) {
  usedFeatures |= featurePrefetch;
  if (step.a >= plan.operands().size)
    return stepError(LLMC_BAD_INDEX, at);
  const Operand &src = plan.operands()[step.a];
  if (plan.regions()[src.region].kind != RegionKind::FlashPaged)
    return stepError(LLMC_BAD_VALUE, at);
  if (Status status = checkRange(scope, step.a); !status.ok())
    return status;
  if (Status status = checkUse(scope, step.b, LLMC_WRITE, true, at); !status.ok())
    return status;
  if (step.c == 0 || step.c > src.extent || step.c > plan.operands()[step.b].extent)
    return stepError(LLMC_BAD_RANGE, at);
  return {};
}

Status PlanVerifier::checkLoopBegin(Scope &scope, const Step &step, uint32_t at) {
  usedFeatures |= featureLoops;
  Span<const Param> params = plan.params();
  bool fromParam = step.flags & loopCountIsParam;
  if (step.a >= params.size || (fromParam && step.b >= params.size))
    return stepError(LLMC_BAD_INDEX, at);
  uint32_t most = fromParam ? scope.bounds[step.b] : step.b;
  if (params[step.a].kind != ParamKind::Loop || (!fromParam && step.b == 0))
    return stepError(LLMC_BAD_VALUE, at);
  if (most != 0 && most - 1 > params[step.a].max)
    return stepError(LLMC_BAD_RANGE, at);
  // The end lies in the entry; that it is the matching one shows when it is reached.
  uint32_t last = scope.entry.firstStep() + scope.entry.nSteps() - 1;
  if (scope.depth == maxLoopDepth || step.c <= at || step.c >= last ||
      plan.steps()[step.c].op != StepOp::LoopEnd || plan.steps()[step.c].a != at)
    return stepError(LLMC_BAD_NESTING, at);
  for (uint32_t i = 0; i < scope.depth; ++i)
    if (scope.loops[i].param == step.a)
      return stepError(LLMC_BAD_NESTING, at);
  scope.loops[scope.depth++] = {at, uint8_t(step.a), scope.multiplier};
  // At most 2^24 before, at most 2^32 - 1 rounds: no wrap, and checkSteps refuses the excess at the
  // next step.
  scope.multiplier *= most;
  return {};
}

Status PlanVerifier::checkLoopEnd(Scope &scope, const Step &step, uint32_t at) {
  if (scope.depth == 0)
    return stepError(LLMC_BAD_NESTING, at);
  const Loop &loop = scope.loops[scope.depth - 1];
  if (loop.begin != step.a || plan.steps()[loop.begin].c != at)
    return stepError(LLMC_BAD_NESTING, at);
  scope.multiplier = loop.multiplier;
  --scope.depth;
  return {};
}

/// Three arguments: table, ids, destination. Row ids[i] of the table goes to row i, for every id
/// the operand holds.
Status PlanVerifier::checkGather(Scope &scope, const Step &step, uint32_t at) {
  usedFeatures |= featureGather;
  if (Status status = checkArgs(scope, step.a, 3, true, at); !status.ok())
    return status;
  const Operand *args[3];
  for (unsigned i = 0; i < 3; ++i)
    args[i] = &plan.operands()[plan.args()[step.a + i]];
  if (!(args[0]->access & LLMC_READ) || !(args[1]->access & LLMC_READ) ||
      !(args[2]->access & LLMC_WRITE) || step.b == 0 || step.c == 0 || args[1]->extent % 4)
    return stepError(LLMC_BAD_VALUE, at);
  uint64_t rows = args[1]->extent / 4;
  if (args[0]->extent / step.b < step.c || args[2]->extent / step.b < rows || rows > 0xFFFFFFFFu)
    return stepError(LLMC_BAD_RANGE, at);
  return {};
}

Status PlanVerifier::checkKvCommit(Scope &scope, const Step &step, uint32_t at) {
  usedFeatures |= featureKvCommit;
  if (scope.depth != 0)
    return stepError(LLMC_BAD_NESTING, at);
  for (uint16_t state : scope.entry.states())
    if (state == step.a)
      return {};
  return stepError(LLMC_BAD_INDEX, at);
}

} // namespace llmc::rt
