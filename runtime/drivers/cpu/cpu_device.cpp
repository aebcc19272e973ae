#include "runtime/drivers/cpu/cpu_device.h"

#include <algorithm>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace llmc::rt::cpu {

namespace {

/// The floating-point rules of kernels, whatever the program set for its own thread.
class KernelFloats {
public:
#if defined(__x86_64__)
  KernelFloats() : before(_mm_getcsr()) {
    if ((before & ~flags) != standard)
      _mm_setcsr(standard);
  }
  ~KernelFloats() {
    if ((before & ~flags) != standard)
      _mm_setcsr(before);
  }

private:
  static constexpr unsigned flags = 0x3F;      // what happened so far
  static constexpr unsigned standard = 0x1F80; // to nearest, denormals kept, nothing traps
  const unsigned before;
#else
  KernelFloats() {}
  ~KernelFloats() {}
#endif
};

/// A kernel that takes fewer cycles by its plan's estimate is not shared: handing out its parts
/// and waiting for them would take longer than what they save.
constexpr uint32_t leastSharedCycles = 6000;

struct Run {
  llmc_cpu_kernel entry;
  void *const *operands;
  const uint32_t *params;
};

void runPart(void *context, uint32_t part, uint32_t parts) {
  const Run &run = *static_cast<const Run *>(context);
  const KernelFloats floats;
  run.entry(run.operands, run.params, part, parts);
}

std::string quoted(const char *data, size_t size) { return "'" + std::string(data, size) + "'"; }

} // namespace

struct CpuDevice::Hooks {
  static CpuDevice &of(void *context) { return *static_cast<CpuDevice *>(context); }
  static llmc_status match(void *context, const llmc_target_info *target) {
    return of(context).match(*target);
  }
  static llmc_status attach(void *context, const llmc_memory *regions, uint32_t count) {
    return of(context).attach({regions, count});
  }
  static llmc_status load(void *context, uint32_t kernel, const void *code, size_t size) {
    return of(context).load(kernel, static_cast<const uint8_t *>(code), size);
  }
  static llmc_status submit(void *context, const llmc_dispatch *dispatch) {
    return of(context).submit(*dispatch);
  }
  static llmc_status poll(void *, uint32_t, uint32_t) { return Status(); }
  static llmc_status reset(void *context) {
    of(context).text.clear();
    return Status();
  }
};

CpuDevice::CpuDevice(const Plan &plan, uint32_t target, WorkerPool &pool, const CpuProbe &probe)
    : plan(plan), target(target), pool(pool), probe(probe) {
  device.struct_size = sizeof(device);
  device.abi = LLMC_DEVICE_ABI;
  device.ctx = this;
  device.match = Hooks::match;
  device.attach = Hooks::attach;
  device.load = Hooks::load;
  device.submit = Hooks::submit;
  device.poll = Hooks::poll;
  device.reset = Hooks::reset;
}

Status CpuDevice::fail(Code code, Where where, uint64_t detail, std::string message) {
  text = std::move(message);
  return Status(code, where, detail);
}

std::string CpuDevice::nameOfKernel(uint32_t kernel) const {
  return "kernel " + std::to_string(kernel);
}

Status CpuDevice::match(const llmc_target_info &info) {
  const auto refuse = [&](std::string message) {
    return fail(LLMC_DEVICE_MISMATCH, LLMC_AT_TARGET, target, std::move(message));
  };
  if (!probe.x86)
    return fail(LLMC_UNSUPPORTED, LLMC_AT_DEVICE, target,
                "this program was built for another CPU than x86-64 and runs no kernels on it");
  const std::string_view backend(info.backend, info.backend_size);
  if (backend != LLMC_CPU_BACKEND)
    return refuse("the plan's target is of '" + std::string(backend) + "', this device is of '" +
                  LLMC_CPU_BACKEND + "'");
  if (info.abi != LLMC_CPU_KERNEL_ABI)
    return refuse("the plan's kernels are called by convention " + std::to_string(info.abi) +
                  ", this program knows " + std::to_string(LLMC_CPU_KERNEL_ABI) +
                  "; compile the plan and build the program from the same version");
  if (info.driver_min > LLMC_CPU_DRIVER_VERSION)
    return refuse("the plan needs driver version " + std::to_string(info.driver_min) +
                  ", this is " + std::to_string(LLMC_CPU_DRIVER_VERSION));
  const std::optional<Isa> isa = isaNamed({info.variant, info.variant_size});
  if (!isa)
    return refuse("the plan's variant " + quoted(info.variant, info.variant_size) +
                  " is not known; known are " + isaNames());
  if (const std::string missing = missingFor(*isa, probe); !missing.empty())
    return refuse("the plan's variant '" + std::string(nameOf(*isa)) + "' needs " + missing +
                  ", which this machine lacks");
  return {};
}

Status CpuDevice::attach(Span<const llmc_memory> regions) {
  entries.assign(plan.kernels().size, nullptr);
  blobs.clear();
  if (regions.size != plan.regions().size)
    return fail(LLMC_INVALID_ARGUMENT, LLMC_AT_MEMORY, regions.size,
                "memory for " + std::to_string(regions.size) + " regions, but the plan has " +
                    std::to_string(plan.regions().size));
  for (uint32_t i = 0; i < regions.size; ++i) {
    const Region &region = plan.regions()[i];
    const bool used = region.access & (deviceReads | deviceWrites);
    if (region.kind == RegionKind::FlashPaged || !used || regions[i].base)
      continue;
    const Text name = plan.text(region.name);
    return fail(LLMC_INVALID_ARGUMENT, LLMC_AT_MEMORY, i,
                "region " + quoted(name.data, name.size) +
                    " has no memory; kernels of a CPU need an address for each region");
  }
  return {};
}

/// Maps the whole blob at the first of its kernels: they share constants.
Status CpuDevice::mapBlob(uint32_t index, Span<const uint8_t> code) {
  if (blobs.count(index))
    return {};
  const Segment &segment = plan.segments()[plan.blobs()[index].segment];
  const size_t alignment =
      std::max(size_t(LLMC_CPU_CODE_ALIGNMENT), size_t(1) << segment.alignLog2);
  std::string error;
  auto blob = ExecutableBlob::create(code, alignment, error);
  if (!blob)
    return fail(LLMC_UNSUPPORTED, LLMC_AT_BLOB, index, std::move(error));
  blobs[index] = std::move(blob);
  return {};
}

Status CpuDevice::load(uint32_t kernel, const uint8_t *code, size_t size) {
  const auto refuse = [&](Code reason, const std::string &message) {
    return fail(reason, LLMC_AT_KERNEL, kernel, message);
  };
  if (kernel >= plan.kernels().size || kernel >= entries.size())
    return refuse(LLMC_BAD_INDEX, "kernel " + std::to_string(kernel) + " is not among the plan's " +
                                      std::to_string(plan.kernels().size));
  const Kernel &record = plan.kernels()[kernel];
  const std::string name = nameOfKernel(kernel);
  const Blob &blob = plan.blobs()[record.blob];
  if (blob.target != target)
    return refuse(LLMC_DEVICE_MISMATCH, name + " belongs to target " + std::to_string(blob.target) +
                                            ", this device runs " + std::to_string(target));
  if (blob.size != size)
    return refuse(LLMC_BAD_RANGE, name + " was given " + std::to_string(size) +
                                      " bytes of code; its blob has " + std::to_string(blob.size));
  if (record.entry >= size)
    return refuse(LLMC_BAD_RANGE, name + " begins at byte " + std::to_string(record.entry) +
                                      " of its " + std::to_string(size));
  if (stackBytesOf(record) > LLMC_CPU_STACK_BYTES)
    return refuse(LLMC_UNSUPPORTED, name + " needs " + std::to_string(stackBytesOf(record)) +
                                        " bytes of stack; threads guarantee " +
                                        std::to_string(LLMC_CPU_STACK_BYTES));
  if (Status status = mapBlob(record.blob, {code, size}); !status.ok())
    return status;
  const uint8_t *entry = blobs.at(record.blob)->code().data + record.entry;
  entries[kernel] = reinterpret_cast<llmc_cpu_kernel>(reinterpret_cast<uintptr_t>(entry));
  return {};
}

Status CpuDevice::submit(const llmc_dispatch &dispatch) {
  if (dispatch.kernel >= entries.size() || !entries[dispatch.kernel])
    return fail(LLMC_WRONG_STATE, LLMC_AT_KERNEL, dispatch.kernel,
                "kernel " + std::to_string(dispatch.kernel) + " was not loaded on this device");
  if (dispatch.n_operands > maxArgs)
    return fail(LLMC_OUT_OF_RANGE, LLMC_AT_KERNEL, dispatch.kernel,
                nameOfKernel(dispatch.kernel) + " was given " +
                    std::to_string(dispatch.n_operands) + " operands; at most " +
                    std::to_string(maxArgs) + " are possible");
  void *operands[maxArgs];
  for (uint32_t i = 0; i < dispatch.n_operands; ++i)
    operands[i] = dispatch.operands[i].base;
  Run run{entries[dispatch.kernel], operands, dispatch.params};
  const uint32_t cycles = plan.kernels()[dispatch.kernel].estCycles;
  if (cycles != 0 && cycles < leastSharedCycles) // 0: not estimated
    runPart(&run, 0, 1);
  else
    pool.run(runPart, &run);
  return {};
}

} // namespace llmc::rt::cpu
