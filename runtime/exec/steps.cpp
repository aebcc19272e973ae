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

/// What an operand's numbers do not say themselves.
inline void Session::moveBy(const Move &move, llmc_operand_view *out) const {
  uintptr_t address = reinterpret_cast<uintptr_t>(out->base) + uintptr_t(move.offset);
  for (unsigned k = 0; k < 3 && move.param[k] != none8; ++k)
    address += uintptr_t(params[move.param[k]]) * move.stride[k];
  out->base = reinterpret_cast<void *>(address);
  out->size += size_t(move.extent);
}

/// Native width: a region is no larger than the address space, and the range lies inside it.
inline void Session::resolveTo(const Operand &operand, llmc_operand_view *out) const {
  // Region, access and move, which both have in the same four bytes: one load, one store.
  static_assert(offsetof(Operand, region) == 8 && offsetof(Operand, move) == 11 &&
                offsetof(llmc_operand_view, move) - offsetof(llmc_operand_view, region) == 3);
  uint32_t use;
  __builtin_memcpy(&use, reinterpret_cast<const uint8_t *>(&operand) + 8, sizeof(use));
  out->base = reinterpret_cast<void *>(bases[use & 0xFFFF] + operand.offset);
  out->size = operand.extent;
  __builtin_memcpy(reinterpret_cast<uint8_t *>(out) + offsetof(llmc_operand_view, region), &use,
                   sizeof(use));
  if (use < uint32_t(none8) << 24) // the move, above all else
    moveBy(bound->moves()[use >> 24], out);
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

void Session::resolveArgs(const Step &step, uint32_t n, llmc_operand_view *out) const {
  resolveEach(bound->args().data + step.b, n, out);
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
  uint32_t blobOf = none32; // the one in the request: mostly the same for all kernels of a plan
  Status status;
  do {
    request.kernel = step->a;
    const Kernel &kernel = bound->kernels()[step->a];
    const uint32_t n = kernel.nArgs;
    request.entry = kernel.entry;
    request.n_operands = n;
    if (kernel.blob != blobOf) {
      blobOf = kernel.blob;
      const Blob &blob = bound->blobs()[blobOf];
      request.code = codeOf(blob);
      request.code_size = blob.size;
    }
    const Queue &queue = bound->queues()[step->queue];
    request.queue = queue.index;
    request.tag = ++issued[step->queue];
    const llmc_device *device = devices[queue.target];
    resolveEach(bound->args().data + step->b, n, views);
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
  case StepOp::LoopParam:
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
  const Rows &rows = bound->rows()[step.a];
  const Queue &queue = bound->queues()[step.queue];
  llmc_dma_request request;
  request.rows = rows.countParam == none8 ? rows.count : params[rows.countParam];
  if (request.rows == 0)
    return {};
  request.queue = queue.index;
  request.tag = ++issued[step.queue];
  static_assert(offsetof(llmc_dma_request, dst) ==
                offsetof(llmc_dma_request, src) + sizeof(llmc_operand_view));
  resolveArgs(step, 2, &request.src);
  request.row_bytes = rows.bytes;
  request.src_pitch = rows.srcPitch;
  request.dst_pitch = rows.dstPitch;
  const llmc_device *device = devices[queue.target];
  return device->dma(device->ctx, &request);
}

Status Session::prefetch(const Step &step) {
  llmc_operand_view args[2]; // the source's address is an offset in the file
  resolveArgs(step, 2, args);
  return readPaged(reinterpret_cast<uintptr_t>(args[0].base), args[0].size, args[1].base);
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
  resolveArgs(step, 3, args);
  const Rows &shape = bound->rows()[step.a];
  const bool paged = bound->regions()[args[0].region].kind == RegionKind::FlashPaged;
  const uint8_t *ids = static_cast<const uint8_t *>(args[1].base);
  uint32_t rows = uint32_t(args[1].size / sizeof(uint32_t));
  while (gathered < rows) {
    uint32_t id = fb::load<uint32_t>(ids + size_t(gathered) * sizeof(uint32_t));
    // The ids are data, so this one bound cannot be proved beforehand.
    if (id >= shape.count)
      return Status(LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, gathered);
    uint8_t *to = static_cast<uint8_t *>(args[2].base) + size_t(gathered) * shape.dstPitch;
    const uintptr_t row = reinterpret_cast<uintptr_t>(args[0].base) + size_t(id) * shape.srcPitch;
    if (!paged) // operands may share bytes, also these two
      moveBytes(to, reinterpret_cast<const void *>(row), shape.bytes);
    else if (Status status = readPaged(row, shape.bytes, to); !status.ok())
      return status; // goes on with this row
    ++gathered;
  }
  gathered = 0;
  return {};
}

Status Session::hostCall(const Step &step) const {
  llmc_operand_view views[maxArgs];
  resolveArgs(step, step.queue, views);
  return hooks->host_call(hooks->ctx, step.a, views, step.queue, params,
                          uint32_t(bound->params().size));
}

Status Session::maintainCache(const Step &step) const {
  const llmc_device *device = devices[bound->queues()[step.queue].target];
  auto function = step.op == StepOp::CacheClean ? device->clean : device->invalidate;
  if (function) {
    llmc_operand_view range;
    resolveArgs(step, 1, &range);
    function(device->ctx, range.base, range.size);
  }
  return {};
}

Status Session::loopBegin(const Step &step) {
  uint32_t count = step.op == StepOp::LoopParam ? params[step.a] : step.a;
  if (count == 0)
    pc = step.b;
  else
    loops[depth++] = {pc, count - 1};
  return {};
}

Status Session::loopEnd(const Step &step) {
  Loop &loop = loops[depth - 1];
  uint32_t param = bound->steps()[step.b].queue;
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
