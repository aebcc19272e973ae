// Memories and devices against the plan: the last checks before running.
#include "runtime/exec/session.h"

namespace llmc::rt {
namespace {

bool needsMemory(const Region &region) { return region.kind != RegionKind::FlashPaged; }

bool overlap(const llmc_memory &a, const llmc_memory &b, uint64_t aSize, uint64_t bSize) {
  uintptr_t x = reinterpret_cast<uintptr_t>(a.base), y = reinterpret_cast<uintptr_t>(b.base);
  return x < y ? y - x < aSize : x - y < bSize;
}

} // namespace

Status Session::checkMemories(const Plan &plan, Span<const llmc_memory> memories) {
  Span<const Region> regions = plan.regions();
  if (memories.size != regions.size)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_MEMORY, memories.size);
  constexpr uint8_t byCpu = cpuReads | cpuWrites;
  for (uint32_t i = 0; i < regions.size; ++i) {
    const Region &region = regions[i];
    const llmc_memory &memory = memories[i];
    if (!needsMemory(region))
      continue;
    if (memory.size < region.size)
      return Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, i);
    uintptr_t base = reinterpret_cast<uintptr_t>(memory.base);
    if ((region.access & byCpu) ? base == 0 : false)
      return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_MEMORY, i);
    if (base & ((uintptr_t(1) << region.alignLog2) - 1))
      return Status(LLMC_BAD_ALIGNMENT, LLMC_AT_MEMORY, i);
    if (region.size > UINTPTR_MAX - base)
      return Status(LLMC_BAD_RANGE, LLMC_AT_MEMORY, i);
    // Constant regions may share a mapped file; whatever is written belongs to one region alone.
    // Addresses that are not the CPU's cannot be compared with those that are.
    for (uint32_t j = 0; j < i; ++j) {
      bool constant =
          region.lifetime == Lifetime::Constant && regions[j].lifetime == Lifetime::Constant;
      if (!constant && needsMemory(regions[j]) && (region.access & byCpu) &&
          (regions[j].access & byCpu) && overlap(memory, memories[j], region.size, regions[j].size))
        return Status(LLMC_OVERLAP, LLMC_AT_MEMORY, i);
    }
  }
  return {};
}

Status Session::checkDevice(const Plan &plan, uint32_t target, const llmc_device &device) {
  if (device.abi != LLMC_DEVICE_ABI || !LLMC_OFFERS(&device, match) ||
      !LLMC_OFFERS(&device, submit) || !LLMC_OFFERS(&device, poll))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_DEVICE, target);
  for (const Step &step : plan.steps())
    if (step.op == StepOp::Dma && plan.queues()[step.queue].target == target &&
        !LLMC_OFFERS(&device, dma))
      return Status(LLMC_UNSUPPORTED, LLMC_AT_DEVICE, target);
  llmc_target_info info = plan.target(target);
  Status status = device.match(device.ctx, &info);
  return status.failed() ? Status(LLMC_DEVICE_MISMATCH, LLMC_AT_DEVICE, target) : status;
}

Status Session::checkHooks(const Plan &plan, const Bindings &bindings) {
  const llmc_platform *platform = bindings.platform;
  if ((platform && platform->abi != LLMC_PLATFORM_ABI) ||
      (bindings.trace && bindings.trace->abi != LLMC_TRACE_ABI))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_PLATFORM);
  if ((plan.features() & featureHostCall) && !LLMC_HAS(platform, host_call))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_PLATFORM);
  const llmc_source &source = plan.source();
  if ((plan.features() & featurePrefetch) &&
      (!LLMC_OFFERS(&source, read_async) || !LLMC_OFFERS(&source, poll)))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_SOURCE);
  return {};
}

/// Hands regions and kernels to the devices.
Status Session::attach(const Bindings &bindings) {
  for (uint32_t t = 0; t < bound->nTargets(); ++t) {
    const llmc_device *device = bindings.devices[t];
    if (!device)
      continue;
    Status status;
    if (LLMC_HAS(device, attach))
      status =
          device->attach(device->ctx, bindings.memories.data, uint32_t(bindings.memories.size));
    Span<const Kernel> kernels = bound->kernels();
    for (uint32_t k = 0; status.ok() && LLMC_HAS(device, load) && k < kernels.size; ++k) {
      const Segment &segment = bound->segments()[kernels[k].segment];
      const uint8_t *code =
          bases[segment.region] + size_t(segment.regionOffset + kernels[k].offset);
      if (kernels[k].target == t)
        status = device->load(device->ctx, k, code, kernels[k].size);
    }
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
  *this = Session();
  if (bindings.devices.size != plan.nTargets())
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_DEVICE, bindings.devices.size);
  Status status = checkMemories(plan, bindings.memories);
  if (status.ok())
    status = checkHooks(plan, bindings);
  for (uint32_t t = 0; status.ok() && t < plan.nTargets(); ++t)
    if (bindings.devices[t])
      status = checkDevice(plan, t, *bindings.devices[t]);
  if (!status.ok())
    return status;
  bound = &plan;
  hooks = bindings.platform;
  tracer = bindings.trace;
  for (uint32_t i = 0; i < plan.regions().size; ++i)
    bases[i] = static_cast<uint8_t *>(bindings.memories[i].base);
  status = attach(bindings);
  if (!status.ok()) {
    *this = Session();
    return status;
  }
  phase = Phase::Idle;
  return reset();
}

} // namespace llmc::rt
