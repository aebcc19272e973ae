#include "runtime/exec/session.h"

#include "runtime/base/small.h"
#include "runtime/plan/params.h"

namespace llmc::rt {
LLMC_SMALL_BEGIN

/// As it was constructed: all members are zero then.
void Session::clear() { clearBytes(static_cast<void *>(this), sizeof(*this)); }

Status Session::ready() const { return phase == Phase::Idle ? Status() : notRunning(); }

/// Why nothing can run, or goes on.
Status Session::notRunning() const {
  return Status(phase == Phase::Poisoned ? LLMC_POISONED : LLMC_WRONG_STATE, LLMC_AT_SESSION);
}

Status Session::poison(Status status) {
  if (phase != Phase::Unbound)
    phase = Phase::Poisoned;
  return status;
}

/// Work that nobody could stop may still write memory: PENDING until it is over, however it ends.
Status Session::settle() {
  Span<const Queue> queues = bound->queues();
  for (uint32_t q = 0; q <= sourceAt; ++q) {
    bool isSource = q == sourceAt;
    if (issued[q] == done[q] || (!isSource && devices[queues[q].target]->reset))
      continue;
    if (waitQueue(q, 0).pending())
      return isSource ? Status(LLMC_PENDING, LLMC_AT_SOURCE)
                      : Status(LLMC_PENDING, LLMC_AT_DEVICE, queues[q].target);
  }
  return {};
}

Status Session::reset() {
  if (phase == Phase::Unbound)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  phase = Phase::Poisoned; // until all of it succeeded
  Status status;
  for (const llmc_device *device : devices)
    if (status.ok() && device && device->reset)
      status = device->reset(device->ctx);
  if (status.ok())
    status = settle();
  if (!status.ok())
    return status;
  clearBytes(issued, sizeof(issued));
  clearBytes(done, sizeof(done));
  committed = 0;
  Span<const Param> records = bound->params();
  for (uint32_t i = 3; i < records.size; ++i)
    if (records[i].kind == ParamKind::Input)
      params[i] = records[i].imm;
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

Code Session::checkCall(const Call &call, const EntryView &entry, uint32_t nTokens,
                        Place *place) const {
  *place = {LLMC_AT_ENTRY, call.entry};
  if (!usable(entry))
    return LLMC_NOT_FOUND;
  *place = {LLMC_AT_PARAM, LLMC_P_N_TOKENS};
  if (nTokens == 0)
    return LLMC_INVALID_ARGUMENT;
  if (nTokens > entry.chunk())
    return LLMC_OUT_OF_RANGE;
  uint32_t position = entry.nStates() ? committed : 0;
  place->detail = LLMC_P_POS;
  if (position > entry.posMax())
    return LLMC_OUT_OF_RANGE;
  place->detail = LLMC_P_KV_LEN;
  uint32_t most = bound->contextLength();
  if (position > most || nTokens > most - position)
    return LLMC_CONTEXT_FULL;
  place->detail = entry.rowParam();
  if (call.row > entry.rowMax())
    return LLMC_OUT_OF_RANGE;
  uint32_t vocab = entry.vocab();
  place->where = LLMC_AT_TOKEN;
  for (size_t i = 0; i < call.ids.size; ++i) {
    place->detail = uint32_t(i);
    if (uint32_t(call.ids[i]) >= vocab) // negative ones are beyond it: a vocabulary has 31 bits
      return LLMC_OUT_OF_RANGE;
  }
  return LLMC_OK;
}

/// Ids into the entry's input, the rest of its chunk zero. False where it takes ids and there are
/// none, or the other way round.
bool Session::writeIds(const EntryView &entry, Span<const int32_t> ids) {
  uint32_t operand = entry.operandOf(TensorRole::Ids, true);
  if (operand == none32 || ids.empty())
    return operand == none32 && ids.empty();
  llmc_operand_view to;
  resolve(operand, &to);
  size_t n = ids.size * sizeof(int32_t);
  copyBytes(to.base, ids.data, n);
  clearBytes(static_cast<uint8_t *>(to.base) + n, to.size - n);
  return true;
}

/// Derived parameters from `first` on: they depend on earlier ones only.
void Session::deriveFrom(uint32_t first) {
  Span<const Param> records = bound->params();
  for (uint32_t i = first; i < records.size; ++i)
    if (isDerived(records[i]))
      params[i] = uint32_t(derive(records[i], params, false));
}

void Session::setParams(const Call &call, const EntryView &entry, uint32_t nTokens) {
  params[LLMC_P_POS] = entry.nStates() ? committed : 0;
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
  Place place;
  if (Code code = checkCall(call, entry, nTokens, &place); code != LLMC_OK)
    return Status(code, place.where, place.detail);
  if (!writeIds(entry, call.ids))
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_TOKEN);
  setParams(call, entry, nTokens);
  pc = entry.firstStep();
  depth = 0;
  gathered = 0;
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
    if (waiting() && hooks && hooks->idle)
      hooks->idle(hooks->ctx);
  return status;
}

Status Session::poll() {
  if (phase == Phase::Draining) {
    Status status = drain();
    return status.ok() ? Status(LLMC_CANCELLED, LLMC_AT_SESSION) : status;
  }
  if (phase != Phase::Running)
    return notRunning();
  const Step *steps = bound->steps().data;
  stalled = stalled && tracer; // only a trace tells the end of a wait from a step at once
  for (;;) {
    // The straight way through nearly all steps.
    const Step *at = steps + pc;
    Status status;
    if (at->op == StepOp::Dispatch)
      status = dispatch(at);
    pc = uint32_t(at - steps);
    const Step &current = *at;
    if (current.op != StepOp::Dispatch)
      status = step(current);
    if (status.failed())
      return poison(status);
    if (status.pending() && current.op != StepOp::Yield) {
      if (!stalled)
        trace(LLMC_TRACE_STALL, current.a);
      stalled = true;
      return status;
    }
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
    return notRunning();
  Span<const Queue> queues = bound->queues();
  for (uint32_t q = 0; phase == Phase::Running && q < queues.size; ++q) {
    const llmc_device *device = devices[queues[q].target];
    if (issued[q] == done[q] || !device->cancel)
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
  phase = Phase::Idle;
  return {};
}

Status Session::truncate(uint32_t position) {
  Status status = ready();
  if (!status.ok())
    return status;
  if (position > committed)
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_POS);
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
  if (index >= bound->operands().size || bound->operands()[index].move != none8)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_OPERAND, index);
  const Region &region = bound->regions()[bound->operands()[index].region];
  if (!(region.access & cpuReads) || region.kind == RegionKind::FlashPaged)
    return Status(LLMC_UNSUPPORTED, LLMC_AT_OPERAND, index);
  resolve(index, out);
  return {};
}

void Session::maintain(const llmc_memory &memory, bool written) const {
  for (const llmc_device *device : devices) {
    if (!device)
      continue;
    auto function = written ? device->clean : device->invalidate;
    if (function)
      function(device->ctx, memory.base, size_t(memory.size));
  }
}

Status Session::stateMemory(uint32_t index, bool written, llmc_memory *out) {
  Status status = ready();
  if (!status.ok())
    return status;
  if (index >= bound->states().size)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_STATE, index);
  const State &state = bound->states()[index];
  uint8_t access = bound->regions()[state.region].access;
  if (!(access & cpuReads) || !(access & cpuWrites))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_STATE, index);
  out->base = reinterpret_cast<void *>(bases[state.region] + uintptr_t(state.offset));
  out->size = stateBytes(state);
  if (access & cpuCached)
    maintain(*out, written);
  return {};
}

LLMC_SMALL_END
} // namespace llmc::rt
