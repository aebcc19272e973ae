// One step at a time. Everything here was proved when the plan was opened.
#include "runtime/exec/session.h"

#include "runtime/base/small.h"

namespace llmc::rt {

void Session::trace(uint8_t event, uint32_t value) const {
  if (!tracer || !tracer->event)
    return;
  uint64_t ticks = hooks && hooks->ticks ? hooks->ticks(hooks->ctx) : 0;
  tracer->event(tracer->ctx, pc, uint8_t(bound->steps()[pc].op), event, value, ticks);
}

/// What parameters, of which there is one at least, add to the address.
inline uintptr_t Session::movedBy(const Operand &operand) const {
  uintptr_t distance = uintptr_t(params[operand.param[0]]) * operand.stride[0];
  for (unsigned k = 1; k < 3 && operand.param[k] != none8; ++k)
    distance += uintptr_t(params[operand.param[k]]) * operand.stride[k];
  return distance;
}

/// Native width: a region is no larger than the address space, and the range lies inside it.
inline void Session::resolveTo(const Operand &operand, llmc_operand_view *out) const {
  // Region, access and flags, which both have in the same four bytes: one load, one store.
  static_assert(offsetof(Operand, region) == 28 && offsetof(Operand, flags) == 31 &&
                offsetof(llmc_operand_view, flags) - offsetof(llmc_operand_view, region) == 3);
  uint32_t use;
  __builtin_memcpy(&use, reinterpret_cast<const uint8_t *>(&operand) + 28, sizeof(use));
  uintptr_t address = bases[use & 0xFFFF] + uintptr_t(operand.offset);
  if (!(use >> 24 & operandStatic))
    address += movedBy(operand);
  out->base = reinterpret_cast<void *>(address);
  out->size = size_t(operand.extent);
  __builtin_memcpy(reinterpret_cast<uint8_t *>(out) + offsetof(llmc_operand_view, region), &use,
                   sizeof(use));
}

void Session::resolve(uint32_t index, llmc_operand_view *out) const {
  uint16_t arg = uint16_t(index);
  resolveEach(&arg, 1, out);
}

/// The only copy of the code.
[[gnu::noinline]] void Session::resolveEach(const uint16_t *arg, uint32_t n,
                                            llmc_operand_view *out) const {
  const Operand *operands = bound->operands().data;
  if (n == 0)
    return;
  do
    resolveTo(operands[*arg++], out++);
  while (--n);
}

void Session::resolveArgs(uint32_t first, uint32_t n, llmc_operand_view *out) const {
  resolveEach(bound->args().data + first, n, out);
}

/// What nearly every step is: as many as stand together from `at` on. Leaves `at` behind them, or
/// at the one that was not submitted, or is to be traced.
Status Session::dispatch(const Step *&at) {
  llmc_operand_view views[maxArgs];
  llmc_dispatch request;
  request.operands = views;
  request.params = params;
  request.n_params = uint32_t(bound->params().size);
  const Step *step = at;
  Status status;
  do {
    request.n_operands = step->c;
    resolveEach(bound->args().data + step->b, step->c, views);
    request.kernel = step->a;
    const Kernel &kernel = bound->kernels()[step->a];
    request.code = codeOf(kernel);
    request.code_size = kernel.size;
    request.entry = kernel.entry;
    const Queue &queue = bound->queues()[step->queue];
    request.queue = queue.index;
    request.tag = ++issued[step->queue];
    const llmc_device *device = devices[queue.target];
    status = device->submit(device->ctx, &request);
    if (!status.ok() || tracer)
      break;
    ++step;
  } while (step->op == StepOp::Dispatch);
  at = step;
  return status;
}

LLMC_SMALL_BEGIN

Status Session::step(const Step &step) {
  switch (step.op) {
  case StepOp::Dma:
    return dma(step);
  case StepOp::Prefetch:
    return prefetch(step);
  case StepOp::Wait:
    return waitQueue(step.queue == sourceQueue ? sourceAt : step.queue, step.a);
  case StepOp::Barrier:
  case StepOp::End:
    return waitAll();
  case StepOp::CacheClean:
  case StepOp::CacheInvalidate:
    return maintainCache(step);
  case StepOp::LoopBegin:
    return loopBegin(step);
  case StepOp::LoopEnd:
    return loopEnd(step);
  case StepOp::KvCommit:
    commits = true;
    return {};
  case StepOp::Gather:
    return gather(step);
  case StepOp::HostCall:
    return hostCall(step);
  case StepOp::Yield:
    return LLMC_PENDING;
  default: // Mark
    return {};
  }
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
  resolve(step.a, &request.src);
  resolve(step.b, &request.dst);
  request.row_bytes = shape.rowBytes;
  request.src_pitch = shape.srcPitch;
  request.dst_pitch = shape.dstPitch;
  const llmc_device *device = devices[queue.target];
  return device->dma(device->ctx, &request);
}

Status Session::prefetch(const Step &step) {
  llmc_operand_view src, dst; // the source's address is an offset in the file
  resolve(step.a, &src);
  resolve(step.b, &dst);
  return readPaged(reinterpret_cast<uintptr_t>(src.base), step.c, dst.base);
}

/// PENDING where the source has no room for one more read: the step comes again.
Status Session::readPaged(uint64_t offset, size_t size, void *to) {
  const llmc_source &source = bound->source();
  Status status = source.read_async(source.ctx, offset, size, to, issued[sourceAt] + 1);
  if (status.ok())
    ++issued[sourceAt];
  return status;
}

Status Session::gather(const Step &step) {
  llmc_operand_view args[3]; // table, ids, destination
  resolveArgs(step.a, 3, args);
  const bool paged = bound->regions()[args[0].region].kind == RegionKind::FlashPaged;
  const uint8_t *ids = static_cast<const uint8_t *>(args[1].base);
  uint32_t rows = uint32_t(args[1].size / sizeof(uint32_t)), rowBytes = step.b;
  while (gathered < rows) {
    uint32_t id = fb::load<uint32_t>(ids + size_t(gathered) * sizeof(uint32_t));
    // The ids are data, so this one bound cannot be proved beforehand.
    if (id >= step.c)
      return Status(LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, gathered);
    uint8_t *to = static_cast<uint8_t *>(args[2].base) + size_t(gathered) * rowBytes;
    const uintptr_t row = reinterpret_cast<uintptr_t>(args[0].base) + size_t(id) * rowBytes;
    if (!paged) // operands may share bytes, also these two
      __builtin_memmove(to, reinterpret_cast<const void *>(row), rowBytes);
    else if (Status status = readPaged(row, rowBytes, to); !status.ok())
      return status; // goes on with this row
    ++gathered;
  }
  gathered = 0;
  return {};
}

Status Session::hostCall(const Step &step) const {
  llmc_operand_view views[maxArgs];
  resolveArgs(step.b, step.c, views);
  return hooks->host_call(hooks->ctx, step.a, views, step.c, params,
                          uint32_t(bound->params().size));
}

Status Session::maintainCache(const Step &step) const {
  const llmc_device *device = devices[bound->queues()[step.queue].target];
  auto function = step.op == StepOp::CacheClean ? device->clean : device->invalidate;
  if (function) {
    llmc_operand_view range;
    resolve(step.a, &range);
    function(device->ctx, range.base, range.size);
  }
  return {};
}

Status Session::loopBegin(const Step &step) {
  uint32_t count = (step.flags & loopCountIsParam) ? params[step.b] : step.b;
  if (count == 0)
    pc = step.c;
  else
    loops[depth++] = {pc, count - 1};
  return {};
}

Status Session::loopEnd(const Step &step) {
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
  return {};
}

Status Session::waitQueue(uint32_t queue, uint32_t allowed) {
  // Tags wrap; only differences count.
  if (issued[queue] - done[queue] <= allowed)
    return {};
  uint32_t tag = issued[queue] - allowed;
  Status status;
  if (queue == sourceAt) {
    const llmc_source &source = bound->source();
    status = source.poll(source.ctx, tag);
  } else {
    const Queue &record = bound->queues()[queue];
    const llmc_device *device = devices[record.target];
    status = device->poll(device->ctx, record.index, tag);
  }
  if (status.ok())
    done[queue] = tag;
  return status;
}

Status Session::waitAll() {
  Status status;
  for (uint32_t queue = 0; status.ok() && queue <= sourceAt; ++queue)
    status = waitQueue(queue, 0);
  return status;
}

LLMC_SMALL_END
} // namespace llmc::rt
