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
    std::erase_if(entry.states, [&](uint16_t state) { return state >= plan.states.size(); });
    entry.chunk = std::clamp(entry.chunk, 1u, std::max(plan.params[1].max, 1u));
    entry.posMax = entry.states.empty() ? 0 : std::min(entry.posMax, plan.params[0].max);
    if (entry.rowParam < 3 || entry.rowParam >= plan.params.size() ||
        plan.params[entry.rowParam].kind != ParamKind::Input)
      entry.rowParam = none8;
    entry.rowMax =
        entry.rowParam == none8 ? 0 : std::min(entry.rowMax, plan.params[entry.rowParam].max);
    entry.targetMask = uint32_t((1u << std::min<size_t>(plan.targets.size(), 31)) - 1);
    entry.peakBytes.clear();
    for (const Region &region : plan.regions)
      entry.peakBytes.push_back(region.size);
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
    if (usable(at, access, byCpu) && plan.operands[at].extent >= bytes)
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

bool Mender::dispatch(Step &step) {
  if (plan.kernels.empty() || plan.queues.empty())
    return false;
  step.queue = uint8_t(step.queue % plan.queues.size());
  step.a %= uint32_t(plan.kernels.size());
  for (uint32_t n = 0; n < plan.kernels.size(); ++n) {
    const Kernel &kernel = plan.kernels[step.a];
    if (kernel.target == plan.queues[step.queue].target) {
      step.c = kernel.nArgs;
      return args(step.b, step.c, false);
    }
    step.a = (step.a + 1) % uint32_t(plan.kernels.size());
  }
  return false;
}

bool Mender::dma(Step &step) {
  if (plan.dmas.empty() || plan.queues.empty())
    return false;
  step.queue = uint8_t(step.queue % plan.queues.size());
  step.c %= uint32_t(plan.dmas.size());
  const Dma &dma = plan.dmas[step.c];
  uint64_t between = dma.rows - 1;
  step.a = pick(step.a, LLMC_READ, false, between * dma.srcPitch + dma.rowBytes);
  step.b = pick(step.b, LLMC_WRITE, false, between * dma.dstPitch + dma.rowBytes);
  return step.a != none32 && step.b != none32;
}

bool Mender::prefetch(Step &step) {
  uint32_t from = step.a, n = uint32_t(plan.operands.size());
  for (uint32_t i = 0; i < n; ++i) {
    from = (step.a + i) % n;
    const Operand &operand = plan.operands[from];
    if (operand.region < plan.regions.size() &&
        plan.regions[operand.region].kind == RegionKind::FlashPaged)
      break;
  }
  step.a = from;
  step.b = pick(step.b, LLMC_WRITE, true);
  if (n == 0 || from >= n || step.b == none32)
    return false;
  uint64_t most = std::min(plan.operands[from].extent, plan.operands[step.b].extent);
  step.c = uint32_t(std::clamp<uint64_t>(step.c, 1, most));
  return true;
}

bool Mender::gather(Step &step) {
  if (!args(step.a, 3, true))
    return false;
  uint32_t ids = pick(plan.args[step.a + 1], LLMC_READ, true, 4);
  if (ids == none32 || plan.operands[ids].extent % 4)
    return false;
  uint64_t rows = plan.operands[ids].extent / 4;
  step.b = std::clamp<uint32_t>(step.b, 1, 64);
  uint32_t to = pick(plan.args[step.a + 2], LLMC_WRITE, true, rows * step.b);
  uint32_t table = pick(plan.args[step.a], LLMC_READ, true, step.b);
  if (to == none32 || table == none32)
    return false;
  step.c = uint32_t(std::clamp<uint64_t>(step.c, 1, plan.operands[table].extent / step.b));
  step.a = uint32_t(plan.args.size());
  plan.args.insert(plan.args.end(), {uint16_t(table), uint16_t(ids), uint16_t(to)});
  return true;
}

/// What the operation does not use is 0.
void Mender::unused(Step &step) {
  switch (step.op) {
  case StepOp::Wait:
  case StepOp::CacheClean:
  case StepOp::CacheInvalidate:
    step.b = step.c = 0;
    step.flags = 0;
    return;
  case StepOp::LoopEnd:
  case StepOp::KvCommit:
  case StepOp::Mark:
    step.b = step.c = 0;
    break;
  case StepOp::End:
  case StepOp::Barrier:
  case StepOp::Yield:
    step.a = step.b = step.c = 0;
    break;
  case StepOp::LoopBegin:
    step.queue = 0;
    step.flags &= loopCountIsParam;
    return;
  case StepOp::Dispatch:
  case StepOp::Dma:
    step.flags = 0;
    return;
  default:
    break;
  }
  step.queue = 0;
  step.flags = 0;
}

void Mender::step(EntryDescription &entry, Step &step) {
  bool good = step.op <= StepOp::Mark && step.op != StepOp::End;
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
    step.c %= maxArgs + 1;
    good = args(step.b, step.c, true);
    break;
  case StepOp::CacheClean:
  case StepOp::CacheInvalidate:
    step.a = pick(step.a, 0, true);
    good = step.a != none32;
    [[fallthrough]];
  case StepOp::Wait:
    if (step.queue != sourceQueue && !plan.queues.empty())
      step.queue = uint8_t(step.queue % plan.queues.size());
    good &= !plan.queues.empty() && (step.op == StepOp::Wait || step.queue != sourceQueue);
    break;
  case StepOp::KvCommit:
    good = !entry.states.empty();
    if (good)
      step.a = entry.states[step.a % entry.states.size()];
    break;
  default:
    break;
  }
  if (!good)
    step = {StepOp::Mark, 0, 0, step.a, 0, 0};
  unused(step);
}

/// A parameter for a loop that none around it uses, with room for its rounds.
bool Mender::loopParam(Step &step, const std::vector<Open> &open) {
  uint32_t n = uint32_t(plan.params.size());
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t param = (step.a % n + i) % n;
    bool taken = plan.params[param].kind != ParamKind::Loop;
    for (const Open &outer : open)
      taken |= outer.param == param;
    if (taken)
      continue;
    step.a = param;
    if ((step.flags & loopCountIsParam) &&
        (step.b >= n || plan.params[step.b].max > uint64_t(plan.params[param].max) + 1))
      step.flags = 0;
    if (!(step.flags & loopCountIsParam))
      step.b = uint32_t(std::clamp<uint64_t>(step.b, 1, uint64_t(plan.params[param].max) + 1));
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
    if (step.op == StepOp::LoopBegin && open.size() < maxLoopDepth && loopParam(step, open))
      open.push_back({at, step.a});
    else if (step.op == StepOp::LoopEnd && !open.empty()) {
      step.a = open.back().begin;
      plan.steps[open.back().begin].c = at;
      open.pop_back();
    } else if (step.op == StepOp::LoopBegin || step.op == StepOp::LoopEnd ||
               (step.op == StepOp::KvCommit && !open.empty()))
      step = {StepOp::Mark, 0, 0, at, 0, 0};
  }
  for (const Open &loop : open)
    plan.steps[loop.begin] = {StepOp::Mark, 0, 0, loop.begin, 0, 0};
}

void Mender::steps() {
  for (EntryDescription &entry : plan.entries) {
    uint64_t end = uint64_t(entry.firstStep) + entry.nSteps;
    if (entry.nSteps == 0 || end > plan.steps.size())
      return;
    for (uint32_t at = entry.firstStep; at + 1 < end; ++at)
      step(entry, plan.steps[at]);
    plan.steps[end - 1] = {StepOp::End, 0, 0, 0, 0, 0};
    loops(entry);
  }
}

void Mender::tensor(const EntryDescription &entry, TensorDescription &tensor, bool input) {
  auto isStatic = [&](uint32_t i) { return plan.operands[i].flags == operandStatic; };
  uint32_t n = uint32_t(plan.operands.size()), at = n ? tensor.operand % n : 0;
  for (uint32_t i = 0; i < n && !isStatic(at); ++i)
    at = (at + 1) % n;
  if (n == 0)
    return;
  tensor.operand = at;
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
      (!fits || input || tensor.dtype != DType::F32 || tensor.dims.back() != entry.vocab ||
       elements / entry.vocab != entry.chunk || operand.offset % 4 ||
       plan.regions[operand.region].alignLog2 < 2 ||
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
