// One step at a time. Everything here was proved when the plan was opened.
#include "runtime/exec/session.h"

namespace llmc::rt {

void Session::trace(uint8_t event, uint32_t value) const {
  if (!LLMC_HAS(tracer, event))
    return;
  uint64_t ticks = LLMC_HAS(hooks, ticks) ? hooks->ticks(hooks->ctx) : 0;
  tracer->event(tracer->ctx, pc, uint8_t(bound->steps()[pc].op), event, value, ticks);
}

void Session::resolve(const Operand &operand, llmc_operand_view *out) const {
  // Native width: a region is no larger than the address space, and the address lies inside it.
  size_t offset = size_t(operand.offset);
  if (!(operand.flags & operandStatic))
    for (unsigned k = 0; k < 3 && operand.param[k] != none8; ++k)
      offset += size_t(params[operand.param[k]]) * operand.stride[k];
  out->base = bases[operand.region] + offset;
  out->size = size_t(operand.extent);
  out->region = operand.region;
  out->access = operand.access;
  out->flags = operand.flags;
}

Status Session::step(const Step &step) {
  switch (step.op) {
  case StepOp::Dispatch:
    return dispatch(step);
  case StepOp::Dma:
    return dma(step);
  case StepOp::Prefetch:
    return prefetch(step);
  case StepOp::Wait:
    return step.queue == sourceQueue ? waitSource(step.a) : waitQueue(step.queue, step.a);
  case StepOp::Barrier:
  case StepOp::End:
    return waitAll();
  case StepOp::CacheClean:
  case StepOp::CacheInvalidate:
    maintainCache(step);
    return {};
  case StepOp::LoopBegin:
    loopBegin(step);
    return {};
  case StepOp::LoopEnd:
    loopEnd(step);
    return {};
  case StepOp::KvCommit:
    commits = true;
    return {};
  case StepOp::Gather:
    return gather(step);
  case StepOp::HostCall:
    return hostCall(step);
  case StepOp::Yield:
    return LLMC_PENDING;
  case StepOp::Mark:
    return {};
  }
  return Status(LLMC_BAD_VALUE, LLMC_AT_STEP, pc);
}

Status Session::dispatch(const Step &step) {
  const Kernel &kernel = bound->kernels()[step.a];
  const Segment &segment = bound->segments()[kernel.segment];
  const Queue &queue = bound->queues()[step.queue];
  const uint16_t *args = &bound->args()[step.b];
  const Operand *operands = bound->operands().data;
  llmc_operand_view views[maxArgs];
  for (uint32_t i = 0; i < step.c; ++i)
    resolve(operands[args[i]], &views[i]);
  llmc_dispatch request;
  request.queue = queue.index;
  request.kernel = step.a;
  request.code = bases[segment.region] + size_t(segment.regionOffset + kernel.offset);
  request.code_size = kernel.size;
  request.operands = views;
  request.n_operands = step.c;
  request.n_params = uint32_t(bound->params().size);
  request.params = params;
  request.tag = ++issued[step.queue];
  const llmc_device *device = devices[queue.target];
  return device->submit(device->ctx, &request);
}

Status Session::dma(const Step &step) {
  const Dma &shape = bound->dmas()[step.c];
  const Queue &queue = bound->queues()[step.queue];
  llmc_dma_request request;
  request.rows = shape.rowsParam == none8 ? shape.rows : params[shape.rowsParam];
  if (request.rows == 0)
    return {};
  request.queue = queue.index;
  request.tag = ++issued[step.queue];
  resolve(bound->operands()[step.a], &request.src);
  resolve(bound->operands()[step.b], &request.dst);
  request.row_bytes = shape.rowBytes;
  request.src_pitch = shape.srcPitch;
  request.dst_pitch = shape.dstPitch;
  const llmc_device *device = devices[queue.target];
  return device->dma(device->ctx, &request);
}

Status Session::prefetch(const Step &step) {
  const Operand &src = bound->operands()[step.a];
  uint64_t offset = src.offset;
  for (unsigned k = 0; k < 3 && src.param[k] != none8; ++k)
    offset += uint64_t(params[src.param[k]]) * src.stride[k];
  // A paged region is one range of the file; its first segment tells where.
  for (const Segment &segment : bound->segments()) {
    if (segment.region != src.region)
      continue;
    offset += segment.offset - segment.regionOffset;
    break;
  }
  llmc_operand_view dst;
  resolve(bound->operands()[step.b], &dst);
  const llmc_source &source = bound->source();
  return source.read_async(source.ctx, offset, step.c, dst.base, ++sourceIssued);
}

Status Session::gather(const Step &step) const {
  llmc_operand_view args[3]; // table, ids, destination
  for (unsigned i = 0; i < 3; ++i)
    resolve(bound->operands()[bound->args()[step.a + i]], &args[i]);
  const uint8_t *table = static_cast<const uint8_t *>(args[0].base);
  const uint8_t *ids = static_cast<const uint8_t *>(args[1].base);
  uint8_t *to = static_cast<uint8_t *>(args[2].base);
  uint32_t rows = uint32_t(args[1].size / sizeof(uint32_t)), rowBytes = step.b;
  for (uint32_t i = 0; i < rows; ++i, to += rowBytes) {
    uint32_t id = fb::load<uint32_t>(ids + size_t(i) * sizeof(uint32_t));
    // The ids are data, so this one bound cannot be proved beforehand.
    if (id >= step.c)
      return Status(LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, i);
    // Operands may share bytes, also these two.
    __builtin_memmove(to, table + size_t(id) * rowBytes, rowBytes);
  }
  return {};
}

Status Session::hostCall(const Step &step) const {
  llmc_operand_view views[maxArgs];
  for (uint32_t i = 0; i < step.c; ++i)
    resolve(bound->operands()[bound->args()[step.b + i]], &views[i]);
  return hooks->host_call(hooks->ctx, step.a, views, step.c, params,
                          uint32_t(bound->params().size));
}

void Session::maintainCache(const Step &step) const {
  const llmc_device *device = devices[bound->queues()[step.queue].target];
  llmc_operand_view range;
  resolve(bound->operands()[step.a], &range);
  if (step.op == StepOp::CacheClean) {
    if (LLMC_HAS(device, clean))
      device->clean(device->ctx, range.base, range.size);
  } else if (LLMC_HAS(device, invalidate)) {
    device->invalidate(device->ctx, range.base, range.size);
  }
}

void Session::loopBegin(const Step &step) {
  uint32_t count = (step.flags & loopCountIsParam) ? params[step.b] : step.b;
  if (count == 0) {
    pc = step.c;
    return;
  }
  loops[depth].begin = pc;
  loops[depth].left = count - 1;
  ++depth;
}

void Session::loopEnd(const Step &step) {
  Loop &loop = loops[depth - 1];
  uint32_t param = bound->steps()[step.a].a;
  if (loop.left == 0) {
    params[param] = 0;
    --depth;
  } else {
    --loop.left;
    ++params[param];
    pc = loop.begin;
  }
  deriveFrom(param + 1);
}

Status Session::waitQueue(uint32_t queue, uint32_t allowed) {
  // Tags wrap; only differences count.
  uint32_t outstanding = issued[queue] - done[queue];
  if (outstanding <= allowed)
    return {};
  const Queue &record = bound->queues()[queue];
  const llmc_device *device = devices[record.target];
  uint32_t tag = issued[queue] - allowed;
  Status status = device->poll(device->ctx, record.index, tag);
  if (status.ok())
    done[queue] = tag;
  return status;
}

Status Session::waitSource(uint32_t allowed) {
  if (sourceIssued - sourceDone <= allowed)
    return {};
  const llmc_source &source = bound->source();
  uint32_t tag = sourceIssued - allowed;
  Status status = source.poll(source.ctx, tag);
  if (status.ok())
    sourceDone = tag;
  return status;
}

Status Session::waitAll() {
  for (uint32_t q = 0; q < bound->queues().size; ++q)
    if (Status status = waitQueue(q, 0); !status.ok())
      return status;
  return waitSource(0);
}

} // namespace llmc::rt
