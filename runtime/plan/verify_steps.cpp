#include "runtime/plan/verifier.h"

#include "runtime/base/small.h"

namespace llmc::rt {
namespace {

enum Uses : uint8_t { usesQueue = 1, usesCount = 2, usesA = 4, usesB = 8 };
/// Who touches the operands, and two bits for each: read, written, or as they state.
enum How : uint8_t { byCpu = 1, fromPages = 2, reads = 1 << 2, thenWrites = 2 << 4 };
constexpr uint8_t readsTwice = 1 << 2 | 1 << 4, lastWrites = 2 << 6;

/// Fields that an operation does not use are zero, so that they can get a meaning later.
struct OperationSpec {
  uint8_t uses;
  uint8_t feature;
  uint8_t nArgs;
  uint8_t how;
};
constexpr OperationSpec operations[] = {
    {0, 0, 0, 0},                                                        // End
    {0, 0, 0, 0},                                                        // Dispatch: not seen here
    {usesQueue | usesA | usesB, featureDma, 2, reads | thenWrites},      // Dma
    {usesB, featurePrefetch, 2, byCpu | fromPages | reads | thenWrites}, // Prefetch
    {usesQueue | usesA, 0, 0, 0},                                        // Wait
    {0, 0, 0, 0},                                                        // Barrier
    {usesQueue | usesB, featureCache, 1, 0},                             // CacheClean
    {usesQueue | usesB, featureCache, 1, 0},                             // CacheInvalidate
    {usesCount | usesA | usesB, featureLoops, 0, 0},                     // LoopBegin
    {usesB, featureLoops, 0, 0},                                         // LoopEnd
    {usesA, featureKvCommit, 0, 0},                                      // KvCommit
    {usesA | usesB, featureGather, 3,
     uint8_t(byCpu | fromPages | readsTwice | lastWrites)}, // Gather
    {usesCount | usesA | usesB, featureHostCall, 0, byCpu}, // HostCall
    {0, 0, 0, 0},                                           // Yield
    {usesA, 0, 0, 0},                                       // Mark
    {usesCount | usesA | usesB, featureLoops, 0, 0},        // LoopParam
};
static_assert(sizeof(operations) == sizeof(OperationSpec) * (unsigned(StepOp::LoopParam) + 1));

/// `count` rows of `bytes`, `pitch` apart, end within `extent`. All have 32 bits: nothing wraps.
bool rowsFit(uint32_t count, uint32_t pitch, uint32_t bytes, size_t extent) {
  return uint64_t(count - 1) * pitch + bytes <= extent;
}

} // namespace

/// What nearly every step is: inline, all of checkStep in one, and operands are proved once for
/// each entry.
[[gnu::always_inline]] inline Code PlanVerifier::checkDispatch(const Step &step) {
  Span<const uint16_t> args = plan.args();
  uint32_t queue = step.queue, first = step.b;
  if (queue >= plan.queues().size || step.a >= plan.kernels().size)
    return LLMC_BAD_INDEX;
  const Kernel &kernel = plan.kernels()[step.a];
  uint32_t n = kernel.nArgs;
  if (first > args.size || n > args.size - first)
    return LLMC_BAD_INDEX;
  usedQueues[queue] = true;
  if (plan.blobs()[kernel.blob].target != plan.queues()[queue].target)
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
  Code code = checkUse(index, 0, false, false);
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
  counted = entry->firstStep;
  const Step *steps = plan.steps().data;
  fail(LLMC_OK, LLMC_AT_STEP, lastStep);
  if (steps[lastStep].op != StepOp::End)
    return LLMC_BAD_NESTING;
  const Step *step = steps + counted;
  for (uint32_t at = counted, last = lastStep; at <= last; ++at, ++step) {
    detail = at;
    if (Code code = step->op == StepOp::Dispatch ? checkDispatch(*step) : checkStep(*step);
        code != LLMC_OK)
      return code;
  }
  if (Code code = countSteps(lastStep + 1); code != LLMC_OK)
    return code;
  return depth == 0 ? LLMC_OK : fail(LLMC_BAD_NESTING, LLMC_AT_STEP, loops[depth - 1].begin);
}

LLMC_SMALL_BEGIN

Code PlanVerifier::checkStep(const Step &step) {
  if (step.op > StepOp::LoopParam)
    return LLMC_BAD_VALUE;
  if (step.op == StepOp::End && detail != lastStep)
    return LLMC_BAD_NESTING;
  OperationSpec spec = operations[uint8_t(step.op)];
  usedFeatures |= spec.feature;
  if ((!(spec.uses & (usesQueue | usesCount)) && step.queue) || (!(spec.uses & usesA) && step.a) ||
      (!(spec.uses & usesB) && step.b))
    return LLMC_BAD_VALUE;
  if ((spec.uses & usesQueue) && !(step.op == StepOp::Wait && step.queue == sourceQueue)) {
    if (step.queue >= plan.queues().size)
      return LLMC_BAD_INDEX;
    usedQueues[step.queue] = true;
  }
  bool isCall = step.op == StepOp::HostCall;
  if (isCall || spec.nArgs)
    if (Code code = checkArgs(step, isCall ? step.queue : spec.nArgs, spec.how); code != LLMC_OK)
      return code;
  switch (step.op) {
  case StepOp::Dma:
  case StepOp::Gather:
    return checkRows(step);
  case StepOp::Prefetch: {
    const Operand &from = operand(step, 0);
    if (plan.regions()[from.region].kind != RegionKind::FlashPaged)
      return LLMC_BAD_VALUE;
    return extentOf(from) <= extentOf(operand(step, 1)) ? LLMC_OK : LLMC_BAD_RANGE;
  }
  case StepOp::LoopBegin:
  case StepOp::LoopParam:
    return checkLoopBegin(step);
  case StepOp::LoopEnd:
    return checkLoopEnd(step);
  case StepOp::KvCommit:
    if (depth != 0)
      return LLMC_BAD_NESTING;
    return uint32_t(step.a) - entry->firstState < entry->nStates ? LLMC_OK : LLMC_BAD_INDEX;
  default: // End, Wait, Barrier, CacheClean, CacheInvalidate, HostCall, Yield, Mark
    return LLMC_OK;
  }
}

Code PlanVerifier::checkUse(uint32_t index, uint8_t access, bool byCpu, bool pages) {
  if (index >= plan.operands().size)
    return LLMC_BAD_INDEX;
  const Operand &operand = plan.operands()[index];
  const Region &region = plan.regions()[operand.region];
  if (access == 0)
    access = operand.access;
  uint8_t needed = byCpu ? access : uint8_t(access << 2); // RegionAccess has the CPU's bits first
  if (pages && region.kind == RegionKind::FlashPaged)
    usedFeatures |= featurePrefetch; // its bytes are reads of the source
  else if (!hasAddress(region, needed))
    return LLMC_BAD_VALUE;
  if (access & ~operand.access)
    return LLMC_BAD_VALUE;
  if (operand.move == none8)
    return LLMC_OK;
  Code code = checkReach(operand, true);
  return code == LLMC_OK ? code : fail(code, LLMC_AT_OPERAND, index);
}

/// Pages may be the first of them alone.
Code PlanVerifier::checkArgs(const Step &step, uint32_t n, uint8_t how) {
  Span<const uint16_t> args = plan.args();
  if (n > maxArgs || step.b > args.size || n > args.size - step.b)
    return LLMC_BAD_INDEX;
  Code code = LLMC_OK;
  uint32_t access = how >> 2;
  for (uint32_t i = 0; code == LLMC_OK && i < n; ++i, access >>= 2)
    code = checkUse(args[step.b + i], access & 3, how & byCpu, i == 0 && (how & fromPages));
  return code;
}

/// A copy of rows, or of those rows of a table that ids name: for every id there is.
Code PlanVerifier::checkRows(const Step &step) const {
  if (step.a >= plan.rows().size)
    return LLMC_BAD_INDEX;
  const Rows &rows = plan.rows()[step.a];
  bool isGather = step.op == StepOp::Gather;
  const Operand &to = operand(step, isGather ? 2 : 1);
  uint32_t written = rows.count;
  if (isGather) {
    const Operand &ids = operand(step, 1);
    if (rows.countParam != none8 || ids.move != none8 || ids.extent % 4)
      return LLMC_BAD_VALUE;
    written = ids.extent / 4;
  } else if (rows.countParam != none8 && bounds[rows.countParam] > rows.count) {
    return LLMC_BAD_RANGE;
  }
  bool within = rowsFit(rows.count, rows.srcPitch, rows.bytes, extentOf(operand(step, 0))) &&
                rowsFit(written, rows.dstPitch, rows.bytes, extentOf(to));
  return within ? LLMC_OK : LLMC_BAD_RANGE;
}

Code PlanVerifier::checkLoopBegin(const Step &step) {
  Span<const Param> params = plan.params();
  uint32_t most = step.a, counter = step.queue;
  if (counter >= params.size)
    return LLMC_BAD_INDEX;
  if (step.op == StepOp::LoopParam) {
    if (most >= params.size)
      return LLMC_BAD_INDEX;
    most = bounds[most];
  } else if (most == 0) {
    return LLMC_BAD_VALUE;
  }
  if (params[counter].kind != ParamKind::Loop)
    return LLMC_BAD_VALUE;
  if (most != 0 && most - 1 > params[counter].max)
    return LLMC_BAD_RANGE;
  // The end lies in the entry; that it is the matching one shows when it is reached.
  const Step *steps = plan.steps().data;
  if (depth == maxLoopDepth || step.b <= detail || step.b >= lastStep ||
      steps[step.b].op != StepOp::LoopEnd || steps[step.b].b != detail)
    return LLMC_BAD_NESTING;
  for (uint32_t i = 0; i < depth; ++i)
    if (loops[i].param == counter)
      return LLMC_BAD_NESTING;
  loops[depth++] = {detail, uint8_t(counter), multiplier};
  if (Code code = countSteps(detail + 1); code != LLMC_OK)
    return code;
  uint64_t rounds = uint64_t(multiplier) * most;
  multiplier = rounds > maxExecutedSteps ? maxExecutedSteps + 1 : uint32_t(rounds);
  return LLMC_OK;
}

Code PlanVerifier::checkLoopEnd(const Step &step) {
  if (depth == 0 || loops[depth - 1].begin != step.b || plan.steps()[step.b].b != detail)
    return LLMC_BAD_NESTING;
  Code code = countSteps(detail + 1);
  multiplier = loops[--depth].multiplier;
  return code;
}

LLMC_SMALL_END
} // namespace llmc::rt
