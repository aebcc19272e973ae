// Memories, devices and hooks against the plan: the last checks before running.
#include "runtime/exec/session.h"

#include "runtime/base/small.h"

namespace llmc::rt {
LLMC_SMALL_BEGIN
namespace {

constexpr uint8_t byCpu = cpuReads | cpuWrites;

bool isPaged(const Region &region) { return region.kind == RegionKind::FlashPaged; }

uintptr_t addressOf(const llmc_memory &memory) { return reinterpret_cast<uintptr_t>(memory.base); }

} // namespace

Code Session::checkMemories(Span<const llmc_memory> memories, Place *place) const {
  Span<const Region> regions = bound->regions();
  *place = {LLMC_AT_MEMORY, uint32_t(memories.size)};
  if (memories.size != regions.size)
    return LLMC_INVALID_ARGUMENT;
  for (uint32_t i = 0; i < regions.size; ++i) {
    const Region &region = regions[i];
    if (isPaged(region))
      continue;
    place->detail = i;
    // A region without CPU access may have an address that means something to its device alone.
    bool reachable = region.access & byCpu, isConstant = region.lifetime == Lifetime::Constant;
    uintptr_t base = addressOf(memories[i]);
    size_t size = size_t(region.size);
    if (memories[i].size < region.size)
      return LLMC_TOO_SMALL;
    if (reachable && base == 0)
      return LLMC_INVALID_ARGUMENT;
    if (base & ((uintptr_t(1) << region.alignLog2) - 1))
      return LLMC_BAD_ALIGNMENT;
    if (size > UINTPTR_MAX - base)
      return LLMC_BAD_RANGE;
    // Constant regions may share a mapped file; whatever is written belongs to one region alone.
    for (uint32_t j = 0; reachable && j < i; ++j) {
      const Region &other = regions[j];
      uintptr_t otherBase = addressOf(memories[j]);
      bool apart =
          base < otherBase ? otherBase - base >= size : base - otherBase >= size_t(other.size);
      if (!apart && (other.access & byCpu) && !(isConstant && other.lifetime == Lifetime::Constant))
        return LLMC_OVERLAP;
    }
  }
  return LLMC_OK;
}

Code Session::checkDevice(uint32_t target, const llmc_device &device) const {
  if (device.abi != LLMC_DEVICE_ABI || device.struct_size < LLMC_DEVICE_BYTES_1 || !device.match ||
      !device.submit || !device.poll)
    return LLMC_UNSUPPORTED;
  for (const Step &step : bound->steps())
    if (!device.dma && step.op == StepOp::Dma && bound->queues()[step.queue].target == target)
      return LLMC_UNSUPPORTED;
  llmc_target_info info = bound->target(target);
  return Status(device.match(device.ctx, &info)).failed() ? LLMC_DEVICE_MISMATCH : LLMC_OK;
}

/// The caller's tables have what this plan needs.
Code Session::checkTables(const Bindings &bindings, Place *place) const {
  const llmc_platform *platform = bindings.platform;
  const llmc_trace *trace = bindings.trace;
  const llmc_source &source = bound->source();
  uint64_t features = bound->features();
  *place = {LLMC_AT_PLATFORM, 0};
  if ((platform &&
       (platform->abi != LLMC_PLATFORM_ABI || platform->struct_size < LLMC_PLATFORM_BYTES_1)) ||
      (trace && (trace->abi != LLMC_TRACE_ABI || trace->struct_size < LLMC_TRACE_BYTES_1)) ||
      ((features & featureHostCall) && !(platform && platform->host_call)))
    return LLMC_UNSUPPORTED;
  place->where = LLMC_AT_SOURCE;
  if ((features & featurePrefetch) && (!source.read_async || !source.poll))
    return LLMC_UNSUPPORTED;
  *place = {LLMC_AT_DEVICE, uint32_t(bindings.devices.size)};
  if (bindings.devices.size != bound->nTargets())
    return LLMC_INVALID_ARGUMENT;
  Code code = LLMC_OK;
  for (uint32_t t = 0; code == LLMC_OK && t < bindings.devices.size; ++t) {
    place->detail = t;
    if (bindings.devices[t])
      code = checkDevice(t, *bindings.devices[t]);
  }
  return code;
}

/// Hands regions and kernels to the devices.
Status Session::attach(const Bindings &bindings) {
  for (uint32_t t = 0; t < bindings.devices.size; ++t) {
    const llmc_device *device = bindings.devices[t];
    if (!device)
      continue;
    Status status;
    if (device->attach)
      status =
          device->attach(device->ctx, bindings.memories.data, uint32_t(bindings.memories.size));
    Span<const Kernel> kernels = bound->kernels();
    for (uint32_t k = 0; status.ok() && device->load && k < kernels.size; ++k)
      if (const Blob &blob = bound->blobs()[kernels[k].blob]; blob.target == t)
        status = device->load(device->ctx, k, codeOf(blob), blob.size);
    if (!status.ok())
      return status;
    devices[t] = device;
    boundTargets |= uint8_t(1u << t);
  }
  return {};
}

Status Session::bind(const Plan &plan, const Bindings &bindings) {
  if (phase == Phase::Running || phase == Phase::Draining)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SESSION);
  clear();
  bound = &plan;
  Place place;
  Code code = checkMemories(bindings.memories, &place);
  if (code == LLMC_OK)
    code = checkTables(bindings, &place);
  Status status(code, place.where, place.detail);
  if (code == LLMC_OK) {
    hooks = bindings.platform;
    tracer = bindings.trace;
    for (uint32_t i = 0; i < bindings.memories.size; ++i)
      bases[i] = addressOf(bindings.memories[i]);
    // A paged region is one range of the file: any of its segments tells where.
    for (const Segment &segment : plan.segments())
      if (segment.region != none16 && isPaged(plan.regions()[segment.region]))
        bases[segment.region] = uintptr_t(segment.offset - segment.regionOffset);
    status = attach(bindings);
  }
  if (!status.ok()) {
    clear();
    return status;
  }
  phase = Phase::Idle;
  return reset();
}

LLMC_SMALL_END
} // namespace llmc::rt
