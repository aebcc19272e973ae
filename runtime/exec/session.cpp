#include "runtime/exec/session.h"

#include "runtime/plan/params.h"

namespace llmc::rt {

Status Session::ready() const {
  if (phase == Phase::Poisoned)
    return Status(LLMC_POISONED, LLMC_AT_SESSION);
  return phase == Phase::Idle ? Status() : Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
}

Status Session::poison(Status status) {
  if (phase != Phase::Unbound)
    phase = Phase::Poisoned;
  return status;
}

/// The steps' own positions: only flat KV forgets without a trace.
bool Session::onlyFlatStates() const {
  for (const State &state : bound->states())
    if (state.kind != StateKind::KvFlat)
      return false;
  return true;
}

Status Session::initStates() {
  Span<const Segment> segments = bound->segments();
  for (uint32_t i = 0; i < segments.size; ++i) {
    const Segment &segment = segments[i];
    if (segment.kind != SegmentKind::StateInit || segment.region == none16)
      continue;
    Status status = readSource(bound->source(), segment.offset, size_t(segment.size),
                               bases[segment.region] + size_t(segment.regionOffset), hooks);
    if (!status.ok())
      return status;
  }
  return {};
}

/// Work that nobody could stop may still write memory: PENDING until it is over, however it ends.
Status Session::settle() {
  Span<const Queue> queues = bound->queues();
  for (uint32_t q = 0; q < queues.size; ++q)
    if (!LLMC_HAS(devices[queues[q].target], reset) && waitQueue(q, 0).pending())
      return Status(LLMC_PENDING, LLMC_AT_DEVICE, queues[q].target);
  if (waitSource(0).pending())
    return Status(LLMC_PENDING, LLMC_AT_SOURCE);
  return {};
}

Status Session::reset() {
  if (phase == Phase::Unbound)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  phase = Phase::Poisoned; // until all of it succeeded
  Status status;
  for (uint32_t t = 0; status.ok() && t < bound->nTargets(); ++t)
    if (LLMC_HAS(devices[t], reset))
      status = devices[t]->reset(devices[t]->ctx);
  if (status.ok())
    status = settle();
  if (status.ok())
    status = initStates();
  if (!status.ok())
    return status;
  for (uint32_t q = 0; q < maxQueues; ++q)
    issued[q] = done[q] = 0;
  sourceIssued = sourceDone = 0;
  committed = 0;
  for (uint32_t i = 3; i < bound->params().size; ++i)
    if (bound->params()[i].kind == ParamKind::Input)
      params[i] = bound->params()[i].imm;
  phase = Phase::Idle;
  return {};
}

Status Session::setParam(uint32_t index, uint32_t value) {
  Status status = ready();
  if (!status.ok())
    return status;
  Span<const Param> records = bound->params();
  if (index < 3 || index >= records.size || records[index].kind != ParamKind::Input)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_PARAM, index);
  if (value > records[index].max)
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, index);
  params[index] = value;
  return {};
}

Status Session::checkCall(const Call &call, const EntryView &entry, uint32_t nTokens) const {
  bool positioned = !entry.states().empty();
  if (!usable(entry))
    return Status(LLMC_NOT_FOUND, LLMC_AT_ENTRY, call.entry);
  if (nTokens == 0)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_PARAM, LLMC_P_N_TOKENS);
  if (nTokens > entry.chunk())
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_N_TOKENS);
  if (positioned && committed > entry.posMax())
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_POS);
  if (!fits(positioned ? committed : 0, nTokens, bound->contextLength()))
    return Status(LLMC_CONTEXT_FULL, LLMC_AT_PARAM, LLMC_P_KV_LEN);
  if (call.row > entry.rowMax())
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, entry.rowParam());
  uint32_t vocab = entry.vocab();
  for (size_t i = 0; i < call.ids.size; ++i)
    if (call.ids[i] < 0 || uint32_t(call.ids[i]) >= vocab)
      return Status(LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, i);
  return {};
}

/// Ids into the entry's input, the rest of its chunk zero.
Status Session::writeIds(const EntryView &entry, Span<const int32_t> ids) {
  bool takesIds = false;
  for (uint32_t i = 0; i < entry.nInputs(); ++i) {
    TensorView tensor = entry.input(i);
    if (tensor.role() != TensorRole::Ids)
      continue;
    if (ids.empty())
      return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_TOKEN);
    takesIds = true;
    llmc_operand_view to;
    resolve(bound->operands()[tensor.operand()], &to);
    size_t n = ids.size * sizeof(int32_t);
    __builtin_memcpy(to.base, ids.data, n);
    __builtin_memset(static_cast<uint8_t *>(to.base) + n, 0, to.size - n);
    return {};
  }
  return takesIds == !ids.empty() ? Status() : Status(LLMC_INVALID_ARGUMENT, LLMC_AT_TOKEN);
}

/// Derived parameters from `first` on: they depend on earlier ones only.
void Session::deriveFrom(uint32_t first) {
  Span<const Param> records = bound->params();
  for (uint32_t i = first; i < records.size; ++i)
    if (isDerived(records[i]))
      params[i] = derivedValue(records[i], params);
}

void Session::setParams(const Call &call, const EntryView &entry, uint32_t nTokens) {
  params[LLMC_P_POS] = entry.states().empty() ? 0 : committed;
  params[LLMC_P_N_TOKENS] = nTokens;
  params[LLMC_P_KV_LEN] = params[LLMC_P_POS] + nTokens;
  Span<const Param> records = bound->params();
  for (uint32_t i = 3; i < records.size; ++i)
    if (records[i].kind == ParamKind::Loop)
      params[i] = 0;
  if (entry.rowParam() != none8)
    params[entry.rowParam()] = call.row;
  deriveFrom(3);
}

Status Session::begin(const Call &call) {
  Status status = ready();
  if (!status.ok())
    return status;
  if (call.entry >= bound->nEntries())
    return Status(LLMC_NOT_FOUND, LLMC_AT_ENTRY, call.entry);
  EntryView entry = bound->entry(call.entry);
  size_t n = call.ids.empty() ? call.nTokens : call.ids.size;
  uint32_t nTokens = n > none32 ? none32 : uint32_t(n);
  status = checkCall(call, entry, nTokens);
  if (status.ok())
    status = writeIds(entry, call.ids);
  if (!status.ok())
    return status;
  setParams(call, entry, nTokens);
  entryStates = 0;
  for (uint16_t state : entry.states())
    entryStates |= bound->states()[state].kind != StateKind::KvFlat;
  pc = entry.firstStep();
  depth = 0;
  commits = false;
  stalled = false;
  phase = Phase::Running;
  return {};
}

Status Session::run(const Call &call) {
  Status status = begin(call);
  if (!status.ok())
    return status;
  while ((status = poll()).pending())
    if (waiting() && LLMC_HAS(hooks, idle))
      hooks->idle(hooks->ctx);
  return status;
}

Status Session::poll() {
  if (phase == Phase::Draining) {
    Status status = drain();
    return status.ok() ? Status(LLMC_CANCELLED, LLMC_AT_SESSION) : status;
  }
  if (phase != Phase::Running)
    return Status(phase == Phase::Poisoned ? LLMC_POISONED : LLMC_WRONG_STATE, LLMC_AT_SESSION);
  Span<const Step> steps = bound->steps();
  for (;;) {
    const Step &current = steps[pc];
    Status status = step(current);
    if (status.failed())
      return poison(status);
    if (status.pending() && current.op != StepOp::Yield) {
      if (!stalled)
        trace(LLMC_TRACE_STALL, current.a);
      stalled = true;
      return status;
    }
    if (tracer)
      trace(stalled ? LLMC_TRACE_END : LLMC_TRACE_BEGIN, current.a);
    stalled = false;
    if (current.op == StepOp::End)
      break;
    ++pc; // loops have set it to the step before the next
    if (status.pending())
      return status;
  }
  if (commits)
    committed = params[LLMC_P_KV_LEN];
  phase = Phase::Idle;
  return {};
}

Status Session::cancel() {
  if (phase != Phase::Running && phase != Phase::Draining)
    return Status(phase == Phase::Poisoned ? LLMC_POISONED : LLMC_WRONG_STATE, LLMC_AT_SESSION);
  Span<const Queue> queues = bound->queues();
  for (uint32_t q = 0; phase == Phase::Running && q < queues.size; ++q) {
    const llmc_device *device = devices[queues[q].target];
    if (issued[q] == done[q] || !LLMC_HAS(device, cancel))
      continue;
    Status status = device->cancel(device->ctx, queues[q].index);
    if (!status.ok())
      return poison(status);
    done[q] = issued[q];
  }
  phase = Phase::Draining;
  return drain();
}

/// Waits for what could not be cancelled.
Status Session::drain() {
  Status status = waitAll();
  if (status.pending())
    return status;
  if (status.failed())
    return poison(status);
  phase = entryStates ? Phase::Poisoned : Phase::Idle;
  return {};
}

Status Session::truncate(uint32_t position) {
  Status status = ready();
  if (!status.ok())
    return status;
  if (position > committed)
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_POS);
  if (position != committed && !onlyFlatStates())
    return Status(LLMC_UNSUPPORTED, LLMC_AT_STATE);
  committed = position;
  return {};
}

Status Session::adopt(uint32_t position) {
  Status status = ready();
  if (!status.ok())
    return status;
  if (position > bound->contextLength())
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_POS);
  committed = position;
  return {};
}

Status Session::view(uint32_t index, llmc_operand_view *out) const {
  if (phase == Phase::Unbound)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  if (index >= bound->operands().size || bound->operands()[index].flags != operandStatic)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_OPERAND, index);
  const Operand &operand = bound->operands()[index];
  if (!(bound->regions()[operand.region].access & cpuReads))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_OPERAND, index);
  resolve(operand, out);
  return {};
}

Status Session::stateMemory(uint32_t index, llmc_memory *out) {
  Status status = ready();
  if (!status.ok())
    return status;
  if (index >= bound->states().size)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_STATE, index);
  const Buffer &buffer = bound->buffers()[bound->states()[index].buffer];
  uint8_t access = bound->regions()[buffer.region].access;
  if (!(access & cpuReads) || !(access & cpuWrites))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_STATE, index);
  out->base = bases[buffer.region] + size_t(buffer.offset);
  out->size = buffer.size;
  for (const llmc_device *device : devices)
    if ((access & cpuCached) && LLMC_HAS(device, invalidate))
      device->invalidate(device->ctx, out->base, size_t(out->size));
  return {};
}

void Session::stateWritten(uint32_t index) {
  const Buffer &buffer = bound->buffers()[bound->states()[index].buffer];
  for (const llmc_device *device : devices)
    if ((bound->regions()[buffer.region].access & cpuCached) && LLMC_HAS(device, clean))
      device->clean(device->ctx, bases[buffer.region] + size_t(buffer.offset), size_t(buffer.size));
}

} // namespace llmc::rt
