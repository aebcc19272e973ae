// Mending entries: their limits, the nesting of their loops, what their steps use.
#include <algorithm>

#include "test/fuzz/plan_mend.h"

namespace llmc::fuzz {

using namespace rt;

void Mender::entries() {
  uint64_t next = 0;
  for (EntryDescription &entry : plan.entries) {
    entry.kind = EntryKind(uint8_t(entry.kind) % 7);
    entry.firstStep = uint32_t(next);
    entry.nSteps = std::clamp<uint32_t>(entry.nSteps, 1, 256);
    next += entry.nSteps;
    entry.firstState = uint16_t(std::min<size_t>(entry.firstState, plan.states.size()));
    entry.nStates =
        uint16_t(std::min<size_t>(entry.nStates, plan.states.size() - entry.firstState));
    entry.chunk = std::clamp(entry.chunk, 1u, std::max(plan.params[1].max, 1u));
    entry.posMax = entry.nStates == 0 ? 0 : std::min(entry.posMax, plan.params[0].max);
    if (entry.rowParam < 3 || entry.rowParam >= plan.params.size() ||
        plan.params[entry.rowParam].kind != ParamKind::Input)
      entry.rowParam = none8;
    entry.rowMax =
        entry.rowParam == none8 ? 0 : std::min(entry.rowMax, plan.params[entry.rowParam].max);
    entry.targetMask = uint8_t((1u << std::min<size_t>(plan.targets.size(), 8)) - 1);
  }
  plan.steps.resize(next);
}

bool Mender::usable(uint32_t index, uint8_t access, bool byCpu) const {
  if (index >= plan.operands.size())
    return false;
  const Operand &operand = plan.operands[index];
  if (operand.region >= plan.regions.size())
    return false;
  const Region &region = plan.regions[operand.region];
  uint8_t needed = 0;
  if (access & LLMC_READ)
    needed |= byCpu ? cpuReads : deviceReads;
  if (access & LLMC_WRITE)
    needed |= byCpu ? cpuWrites : deviceWrites;
  return !(access & ~operand.access) && !(needed & ~region.access) &&
         region.kind != RegionKind::FlashPaged;
}

uint32_t Mender::pick(uint32_t index, uint8_t access, bool byCpu, uint64_t bytes) {
  uint32_t n = uint32_t(plan.operands.size());
  uint32_t at = index < n ? index : random.below(n);
  for (uint32_t i = 0; i < n; ++i, at = (at + 1) % n)
    if (usable(at, access, byCpu) && extentOf(at) >= bytes)
      return at;
  return none32;
}

/// The arguments from `first` on, replaced where their operands may not be used so.
bool Mender::args(uint32_t &first, uint32_t n, bool byCpu) {
  if (n > maxArgs)
    return false;
  if (uint64_t(first) + n > plan.args.size()) {
    first = uint32_t(plan.args.size());
    for (uint32_t i = 0; i < n; ++i)
      plan.args.push_back(uint16_t(random.below(plan.operands.size())));
  }
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t index = plan.args[first + i];
    for (uint32_t tries = 0; tries <= plan.operands.size(); ++tries, ++index) {
      index %= std::max<uint32_t>(uint32_t(plan.operands.size()), 1);
      if (!plan.operands.empty() && usable(index, plan.operands[index].access, byCpu))
        break;
    }
    plan.args[first + i] = uint16_t(index);
  }
  return true;
}

uint64_t Mender::extentOf(uint32_t index) const {
  const Operand &operand = plan.operands[index];
  uint64_t more = operand.move < plan.moves.size() ? plan.moves[operand.move].extent : 0;
  return operand.extent + more;
}

/// Argument i of a step as it is; none32 where there is none.
uint32_t Mender::argument(const Step &step, uint32_t i) const {
  uint64_t at = uint64_t(step.b) + i;
  return at < plan.args.size() ? plan.args[at] : none32;
}

/// False where one of the operands is none. Arguments that stand so already stay.
bool Mender::setArgs(Step &step, std::initializer_list<uint32_t> operands) {
  bool same = true;
  uint32_t i = 0;
  for (uint32_t operand : operands) {
    same &= argument(step, i++) == operand;
    if (operand == none32)
      return false;
  }
  if (same)
    return true;
  step.b = uint32_t(plan.args.size());
  plan.args.insert(plan.args.end(), operands.begin(), operands.end());
  return true;
}

bool Mender::dispatch(Step &step) {
  if (plan.kernels.empty() || plan.queues.empty())
    return false;
  step.queue = uint8_t(step.queue % plan.queues.size());
  step.a = uint16_t(step.a % plan.kernels.size());
  for (uint32_t n = 0; n < plan.kernels.size(); ++n) {
    const Kernel &kernel = plan.kernels[step.a];
    if (plan.blobs[kernel.blob].target == plan.queues[step.queue].target)
      return args(step.b, kernel.nArgs, false);
    step.a = uint16_t((step.a + 1) % plan.kernels.size());
  }
  return false;
}

bool Mender::dma(Step &step) {
  if (plan.rows.empty() || plan.queues.empty() || plan.operands.empty())
    return false;
  step.queue = uint8_t(step.queue % plan.queues.size());
  step.a = uint16_t(step.a % plan.rows.size());
  const Rows &rows = plan.rows[step.a];
  uint64_t between = rows.count - 1;
  uint32_t from = pick(argument(step, 0), LLMC_READ, false, between * rows.srcPitch + rows.bytes);
  uint32_t to = pick(argument(step, 1), LLMC_WRITE, false, between * rows.dstPitch + rows.bytes);
  return setArgs(step, {from, to});
}

bool Mender::prefetch(Step &step) {
  uint32_t n = uint32_t(plan.operands.size()), from = argument(step, 0);
  auto isPaged = [&](uint32_t i) {
    const Operand &operand = plan.operands[i];
    return operand.region < plan.regions.size() && (operand.access & LLMC_READ) &&
           plan.regions[operand.region].kind == RegionKind::FlashPaged;
  };
  for (uint32_t i = 0; i < n && (from >= n || !isPaged(from)); ++i)
    from = (from >= n ? 0 : from + 1) % n;
  if (n == 0 || from >= n || !isPaged(from))
    return false;
  return setArgs(step, {from, pick(argument(step, 1), LLMC_WRITE, true, extentOf(from))});
}

/// With rows of its own: those of copies have other counts.
bool Mender::gather(Step &step) {
  if (plan.operands.empty() || plan.rows.empty())
    return false;
  step.a = uint16_t(step.a % plan.rows.size());
  Rows rows = plan.rows[step.a];
  uint32_t ids = pick(argument(step, 1), LLMC_READ, true, 4);
  if (ids == none32 || plan.operands[ids].extent % 4 || plan.operands[ids].move != none8)
    return false;
  uint64_t written = plan.operands[ids].extent / 4;
  rows.bytes = std::clamp<uint32_t>(rows.bytes, 1, 64);
  rows.srcPitch = std::clamp<uint32_t>(rows.srcPitch, rows.bytes, 64);
  rows.dstPitch = std::clamp<uint32_t>(rows.dstPitch, rows.bytes, 64);
  rows.countParam = none8;
  uint32_t to =
      pick(argument(step, 2), LLMC_WRITE, true, (written - 1) * rows.dstPitch + rows.bytes);
  uint32_t table = pick(argument(step, 0), LLMC_READ, true, rows.bytes);
  if (!setArgs(step, {table, ids, to}))
    return false;
  rows.count = uint32_t(
      std::clamp<uint64_t>(rows.count, 1, (extentOf(table) - rows.bytes) / rows.srcPitch + 1));
  step.a = uint16_t(plan.rows.size());
  plan.rows.push_back(rows);
  return true;
}

/// What the operation does not use is 0.
void Mender::unused(Step &step) {
  switch (step.op) {
  case StepOp::End:
  case StepOp::Barrier:
  case StepOp::Yield:
    step = {step.op, 0, 0, 0};
    return;
  case StepOp::Wait:
    step.b = 0;
    return;
  case StepOp::CacheClean:
  case StepOp::CacheInvalidate:
    step.a = 0;
    return;
  case StepOp::LoopEnd:
  case StepOp::Prefetch:
    step.queue = 0;
    step.a = 0;
    return;
  case StepOp::KvCommit:
  case StepOp::Mark:
    step.b = 0;
    step.queue = 0;
    return;
  case StepOp::Gather:
    step.queue = 0;
    return;
  default: // Dispatch, Dma, HostCall, LoopBegin, LoopParam: all is used
    return;
  }
}

void Mender::step(EntryDescription &entry, Step &step) {
  bool good = step.op <= StepOp::LoopParam && step.op != StepOp::End;
  switch (step.op) {
  case StepOp::Dispatch:
    good = dispatch(step);
    break;
  case StepOp::Dma:
    good = dma(step);
    break;
  case StepOp::Prefetch:
    good = prefetch(step);
    break;
  case StepOp::Gather:
    good = gather(step);
    break;
  case StepOp::HostCall:
    step.queue %= maxArgs + 1;
    good = args(step.b, step.queue, true);
    break;
  case StepOp::CacheClean:
  case StepOp::CacheInvalidate:
    good = !plan.operands.empty() && setArgs(step, {pick(argument(step, 0), 0, false)});
    [[fallthrough]];
  case StepOp::Wait:
    if (step.queue != sourceQueue && !plan.queues.empty())
      step.queue = uint8_t(step.queue % plan.queues.size());
    good &= !plan.queues.empty() && (step.op == StepOp::Wait || step.queue != sourceQueue);
    break;
  case StepOp::KvCommit:
    good = entry.nStates != 0;
    if (good)
      step.a = uint16_t(entry.firstState + step.a % entry.nStates);
    break;
  default:
    break;
  }
  if (!good)
    step = {StepOp::Mark, 0, step.a, 0};
  unused(step);
}

/// A parameter for a loop that none around it uses, with room for its rounds.
bool Mender::loopParam(Step &step, const std::vector<Open> &open) {
  uint32_t n = uint32_t(plan.params.size());
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t param = (step.queue % n + i) % n;
    bool taken = plan.params[param].kind != ParamKind::Loop;
    for (const Open &outer : open)
      taken |= outer.param == param;
    if (taken)
      continue;
    step.queue = uint8_t(param);
    uint64_t most = uint64_t(plan.params[param].max) + 1;
    if (step.op == StepOp::LoopParam && (step.a >= n || plan.params[step.a].max > most))
      step.op = StepOp::LoopBegin;
    if (step.op == StepOp::LoopBegin)
      step.a = uint16_t(std::clamp<uint64_t>(step.a, 1, std::min<uint64_t>(most, 65535)));
    return true;
  }
  return false;
}

/// Begins and ends that belong together name each other; what is left over becomes a mark.
void Mender::loops(const EntryDescription &entry) {
  std::vector<Open> open;
  uint32_t last = entry.firstStep + entry.nSteps - 1;
  for (uint32_t at = entry.firstStep; at < last; ++at) {
    Step &step = plan.steps[at];
    bool begins = step.op == StepOp::LoopBegin || step.op == StepOp::LoopParam;
    if (begins && open.size() < maxLoopDepth && loopParam(step, open))
      open.push_back({at, step.queue});
    else if (step.op == StepOp::LoopEnd && !open.empty()) {
      step.b = open.back().begin;
      plan.steps[open.back().begin].b = at;
      open.pop_back();
    } else if (begins || step.op == StepOp::LoopEnd ||
               (step.op == StepOp::KvCommit && !open.empty()))
      step = {StepOp::Mark, 0, uint16_t(at), 0};
  }
  for (const Open &loop : open)
    plan.steps[loop.begin] = {StepOp::Mark, 0, uint16_t(loop.begin), 0};
}

void Mender::steps() {
  for (EntryDescription &entry : plan.entries) {
    uint64_t end = uint64_t(entry.firstStep) + entry.nSteps;
    if (entry.nSteps == 0 || end > plan.steps.size())
      return;
    for (uint32_t at = entry.firstStep; at + 1 < end; ++at)
      step(entry, plan.steps[at]);
    plan.steps[end - 1] = {StepOp::End, 0, 0, 0};
    loops(entry);
  }
}

void Mender::tensor(const EntryDescription &entry, TensorDescription &tensor, bool input) {
  auto isStatic = [&](uint32_t i) { return plan.operands[i].move == none8; };
  uint32_t n = uint32_t(plan.operands.size()), at = n ? tensor.operand % n : 0;
  for (uint32_t i = 0; i < n && !isStatic(at); ++i)
    at = (at + 1) % n;
  if (n == 0)
    return;
  tensor.operand = uint16_t(at);
  tensor.dtype = DType(uint8_t(tensor.dtype) % 8);
  tensor.role = TensorRole(uint8_t(tensor.role) % 4);
  const Operand &operand = plan.operands[at];
  uint64_t elements = 1;
  for (uint32_t dim : tensor.dims)
    elements *= dim;
  if ((elements * bitsOf(tensor.dtype) + 7) / 8 != operand.extent) {
    tensor.dtype = operand.extent % 4 ? DType::I8 : tensor.dtype;
    tensor.dims = {uint32_t(operand.extent * 8 / bitsOf(tensor.dtype))};
    elements = tensor.dims[0];
    if (tensor.dtype == DType::I16 && operand.extent % 2)
      tensor.dtype = DType::I8;
  }
  bool fits = operand.region < plan.regions.size() && entry.vocab >= 1;
  if (tensor.role == TensorRole::Ids &&
      (!fits || !input || tensor.dtype != DType::I32 || elements != entry.chunk ||
       !(plan.regions[operand.region].access & cpuWrites)))
    tensor.role = TensorRole::Other;
  if (tensor.role == TensorRole::Logits &&
      (!fits || input || tensor.dtype != DType::F32 || tensor.dims.empty() ||
       tensor.dims.back() != entry.vocab || elements / entry.vocab != entry.chunk ||
       operand.offset % 4 || plan.regions[operand.region].alignLog2 < 2 ||
       !(plan.regions[operand.region].access & cpuReads)))
    tensor.role = TensorRole::Other;
}

void Mender::tensors() {
  for (EntryDescription &entry : plan.entries) {
    for (TensorDescription &t : entry.inputs)
      tensor(entry, t, true);
    for (TensorDescription &t : entry.outputs)
      tensor(entry, t, false);
  }
}

} // namespace llmc::fuzz
