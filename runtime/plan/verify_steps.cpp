#include "runtime/plan/verifier.h"

#include "runtime/base/small.h"

namespace llmc::rt {
namespace {

enum Uses : uint8_t { usesQueue = 1, usesFlags = 2, usesA = 4, usesB = 8, usesC = 16 };
constexpr uint8_t usesAll = usesA | usesB | usesC;

/// Fields that an operation does not use are zero, so that they can get a meaning later.
struct OperationSpec {
  uint8_t uses;
  uint8_t feature;
};
constexpr OperationSpec operations[] = {
    {0, 0},                              // End
    {0, 0},                              // Dispatch: seen here where it has flags
    {usesQueue | usesAll, featureDma},   // Dma
    {usesAll, featurePrefetch},          // Prefetch
    {usesQueue | usesA, 0},              // Wait
    {0, 0},                              // Barrier
    {usesQueue | usesA, featureCache},   // CacheClean
    {usesQueue | usesA, featureCache},   // CacheInvalidate
    {usesFlags | usesAll, featureLoops}, // LoopBegin
    {usesA, featureLoops},               // LoopEnd
    {usesA, featureKvCommit},            // KvCommit
    {usesAll, featureGather},            // Gather
    {usesAll, featureHostCall},          // HostCall
    {0, 0},                              // Yield
    {usesA, 0},                          // Mark
};
static_assert(sizeof(operations) == sizeof(OperationSpec) * (unsigned(StepOp::Mark) + 1));

/// `rows` rows of `rowBytes`, `pitch` apart, end within `extent`. All have 32 bits: nothing wraps.
bool rowsFit(uint32_t rows, uint32_t pitch, uint32_t rowBytes, size_t extent) {
  return uint64_t(rows - 1) * pitch + rowBytes <= extent;
}

} // namespace

/// Operation, queue and flags in one word: a dispatch has no flags.
inline bool PlanVerifier::isDispatch(const Step &step) {
  static_assert(offsetof(Step, queue) == 1 && offsetof(Step, flags) == 2);
  uint32_t head = fb::load<uint32_t>(reinterpret_cast<const uint8_t *>(&step));
  return (head & 0xFFFF00FF) == uint32_t(StepOp::Dispatch);
}

/// What nearly every step is: inline, all of checkStep in one, and operands are proved once for
/// each entry.
[[gnu::always_inline]] inline Code PlanVerifier::checkDispatch(const Step &step) {
  Span<const uint16_t> args = plan.args();
  uint32_t first = step.b, n = step.c, queue = step.queue;
  if (queue >= plan.queues().size || step.a >= plan.kernels().size || first > args.size ||
      n > args.size - first)
    return LLMC_BAD_INDEX;
  const Kernel &kernel = plan.kernels()[step.a];
  usedQueues[queue] = true;
  if (kernel.target != plan.queues()[queue].target || kernel.nArgs != n)
    return LLMC_BAD_VALUE;
  if (n == 0)
    return LLMC_OK;
  const uint16_t *arg = args.data + first;
  do {
    uint32_t index = *arg++;
    if (index >= remembered || !proved[index])
      if (Code code = proveForDevice(index); code != LLMC_OK)
        return code;
  } while (--n);
  return LLMC_OK;
}

/// Once for each entry, where the operand has a place to remember it by.
[[gnu::noinline]] Code PlanVerifier::proveForDevice(uint32_t index) {
  Code code = checkUse(index, 0, false);
  if (code == LLMC_OK && index < remembered)
    proved[index] = true;
  return code;
}

/// Counts the steps before `end` that are not yet counted, as often as they are executed.
[[gnu::noinline]] Code PlanVerifier::countSteps(uint32_t end) {
  executed += uint64_t(multiplier) * (end - counted);
  if (executed > maxExecutedSteps)
    return fail(LLMC_BAD_RANGE, LLMC_AT_STEP, counted);
  counted = end;
  return LLMC_OK;
}

/// Walks the steps once: loops nest, the last step and no other is End, and every use is proved.
Code PlanVerifier::checkSteps() {
  clearBytes(proved, sizeof(proved));
  clearBytes(usedQueues, sizeof(usedQueues));
  depth = 0;
  multiplier = 1;
  executed = 0;
  counted = firstStep;
  const Step *steps = plan.steps().data;
  fail(LLMC_OK, LLMC_AT_STEP, lastStep);
  if (steps[lastStep].op != StepOp::End)
    return LLMC_BAD_NESTING;
  const Step *step = steps + firstStep;
  for (uint32_t at = firstStep, last = lastStep; at <= last; ++at, ++step) {
    detail = at;
    if (Code code = isDispatch(*step) ? checkDispatch(*step) : checkStep(*step); code != LLMC_OK)
      return code;
  }
  if (Code code = countSteps(lastStep + 1); code != LLMC_OK)
    return code;
  return depth == 0 ? LLMC_OK : fail(LLMC_BAD_NESTING, LLMC_AT_STEP, loops[depth - 1].begin);
}

LLMC_SMALL_BEGIN

Code PlanVerifier::checkStep(const Step &step) {
  if (step.op > StepOp::Mark)
    return LLMC_BAD_VALUE;
  if (step.op == StepOp::End && detail != lastStep)
    return LLMC_BAD_NESTING;
  OperationSpec spec = operations[uint8_t(step.op)];
  usedFeatures |= spec.feature;
  uint32_t stray = spec.uses & usesFlags ? step.flags & ~loopCountIsParam : step.flags;
  if (!(spec.uses & usesA))
    stray |= step.a;
  if (!(spec.uses & usesB))
    stray |= step.b;
  if (!(spec.uses & usesC))
    stray |= step.c;
  if (!(spec.uses & usesQueue)) {
    stray |= step.queue;
  } else if (step.queue < plan.queues().size) {
    usedQueues[step.queue] = true;
  } else if (stray == 0 && !(step.op == StepOp::Wait && step.queue == sourceQueue)) {
    return LLMC_BAD_INDEX;
  }
  return stray ? LLMC_BAD_VALUE : checkOperation(step);
}

Code PlanVerifier::checkOperation(const Step &step) {
  switch (step.op) {
  case StepOp::Dma:
    return checkDma(step);
  case StepOp::Prefetch:
    return checkPrefetch(step);
  case StepOp::CacheClean:
  case StepOp::CacheInvalidate:
    return checkUse(step.a, 0, false);
  case StepOp::LoopBegin:
    return checkLoopBegin(step);
  case StepOp::LoopEnd:
    return checkLoopEnd(step);
  case StepOp::KvCommit:
    return checkKvCommit(step);
  case StepOp::Gather:
    return checkGather(step);
  case StepOp::HostCall:
    return checkArgs(step.b, step.c, true);
  default: // End, Wait, Barrier, Yield, Mark
    return LLMC_OK;
  }
}

Code PlanVerifier::checkUse(uint32_t index, uint8_t access, bool byCpu) {
  if (index >= plan.operands().size)
    return LLMC_BAD_INDEX;
  const Operand &operand = plan.operands()[index];
  if (access == 0)
    access = operand.access;
  uint8_t needed = byCpu ? access : uint8_t(access << 2); // RegionAccess has the CPU's bits first
  if ((access & ~operand.access) || !hasAddress(plan.regions()[operand.region], needed))
    return LLMC_BAD_VALUE;
  return operand.flags & operandStatic ? LLMC_OK : checkRange(index);
}

Code PlanVerifier::checkRange(uint32_t index) {
  const Operand &operand = plan.operands()[index];
  // The range with every parameter 0 was proved; what is left of the buffer after it:
  const Buffer &buffer = plan.buffers()[operand.buffer];
  size_t left = size_t(buffer.size) - size_t(operand.extent) -
                (size_t(operand.offset) - size_t(buffer.offset));
  for (unsigned k = 0; k < 3 && operand.param[k] != none8; ++k) {
    uint64_t farthest = uint64_t(bounds[operand.param[k]]) * operand.stride[k];
    if (farthest > left)
      return fail(LLMC_BAD_RANGE, LLMC_AT_OPERAND, index);
    left -= size_t(farthest);
  }
  return LLMC_OK;
}

/// The table of a gather may be paged: then its rows are read.
Code PlanVerifier::checkArgs(uint32_t first, uint32_t n, bool byCpu, bool gathers) {
  Span<const uint16_t> args = plan.args();
  if (n > maxArgs || first > args.size || n > args.size - first)
    return LLMC_BAD_INDEX;
  Code code = LLMC_OK;
  for (uint32_t i = 0; code == LLMC_OK && i < n; ++i) {
    uint32_t index = args[first + i];
    bool isTable = gathers && i == 0 && index < plan.operands().size &&
                   plan.regions()[plan.operands()[index].region].kind == RegionKind::FlashPaged;
    if (isTable)
      usedFeatures |= featurePrefetch; // its rows are reads of the source
    code = isTable ? checkRange(index) : checkUse(index, 0, byCpu);
  }
  return code;
}

Code PlanVerifier::checkDma(const Step &step) {
  if (step.c >= plan.dmas().size)
    return LLMC_BAD_INDEX;
  Code code = checkUse(step.a, LLMC_READ, false);
  if (code == LLMC_OK)
    code = checkUse(step.b, LLMC_WRITE, false);
  if (code != LLMC_OK)
    return code;
  const Dma &dma = plan.dmas()[step.c];
  if ((dma.rowsParam != none8 && bounds[dma.rowsParam] > dma.rows) ||
      !rowsFit(dma.rows, dma.srcPitch, dma.rowBytes, size_t(plan.operands()[step.a].extent)) ||
      !rowsFit(dma.rows, dma.dstPitch, dma.rowBytes, size_t(plan.operands()[step.b].extent)))
    return LLMC_BAD_RANGE;
  return LLMC_OK;
}

Code PlanVerifier::checkPrefetch(const Step &step) {
  if (step.a >= plan.operands().size)
    return LLMC_BAD_INDEX;
  const Operand &src = plan.operands()[step.a];
  if (plan.regions()[src.region].kind != RegionKind::FlashPaged)
    return LLMC_BAD_VALUE;
  Code code = checkRange(step.a);
  if (code == LLMC_OK)
    code = checkUse(step.b, LLMC_WRITE, true);
  if (code != LLMC_OK)
    return code;
  bool within = step.c != 0 && step.c <= size_t(src.extent) &&
                step.c <= size_t(plan.operands()[step.b].extent);
  return within ? LLMC_OK : LLMC_BAD_RANGE;
}

Code PlanVerifier::checkLoopBegin(const Step &step) {
  Span<const Param> params = plan.params();
  uint32_t most = step.b;
  if (step.a >= params.size)
    return LLMC_BAD_INDEX;
  if (step.flags & loopCountIsParam) {
    if (most >= params.size)
      return LLMC_BAD_INDEX;
    most = bounds[most];
  } else if (most == 0) {
    return LLMC_BAD_VALUE;
  }
  if (params[step.a].kind != ParamKind::Loop)
    return LLMC_BAD_VALUE;
  if (most != 0 && most - 1 > params[step.a].max)
    return LLMC_BAD_RANGE;
  // The end lies in the entry; that it is the matching one shows when it is reached.
  const Step *steps = plan.steps().data;
  if (depth == maxLoopDepth || step.c <= detail || step.c >= lastStep ||
      steps[step.c].op != StepOp::LoopEnd || steps[step.c].a != detail)
    return LLMC_BAD_NESTING;
  for (uint32_t i = 0; i < depth; ++i)
    if (loops[i].param == step.a)
      return LLMC_BAD_NESTING;
  loops[depth++] = {detail, uint8_t(step.a), multiplier};
  if (Code code = countSteps(detail + 1); code != LLMC_OK)
    return code;
  uint64_t rounds = uint64_t(multiplier) * most;
  multiplier = rounds > maxExecutedSteps ? maxExecutedSteps + 1 : uint32_t(rounds);
  return LLMC_OK;
}

Code PlanVerifier::checkLoopEnd(const Step &step) {
  if (depth == 0 || loops[depth - 1].begin != step.a || plan.steps()[step.a].c != detail)
    return LLMC_BAD_NESTING;
  Code code = countSteps(detail + 1);
  multiplier = loops[--depth].multiplier;
  return code;
}

/// Three arguments: table, ids, destination. Row ids[i] of the table goes to row i, for every id
/// the operand holds.
Code PlanVerifier::checkGather(const Step &step) {
  if (Code code = checkArgs(step.a, 3, true, true); code != LLMC_OK)
    return code;
  const uint16_t *args = &plan.args()[step.a];
  const Operand *operands = plan.operands().data;
  const Operand &table = operands[args[0]], &ids = operands[args[1]], &to = operands[args[2]];
  uint32_t rowBytes = step.b, bound = step.c;
  if (!(table.access & ids.access & LLMC_READ) || !(to.access & LLMC_WRITE) || rowBytes == 0 ||
      bound == 0 || ids.extent % 4)
    return LLMC_BAD_VALUE;
  bool within = uint64_t(rowBytes) * bound <= size_t(table.extent) &&
                size_t(ids.extent) <= none32 &&
                uint64_t(rowBytes) * uint32_t(ids.extent / 4) <= size_t(to.extent);
  return within ? LLMC_OK : LLMC_BAD_RANGE;
}

Code PlanVerifier::checkKvCommit(const Step &step) const {
  if (depth != 0)
    return LLMC_BAD_NESTING;
  for (uint16_t state : entry.states())
    if (state == step.a)
      return LLMC_OK;
  return LLMC_BAD_INDEX;
}

LLMC_SMALL_END
} // namespace llmc::rt
