#include "runtime/drivers/baremetal/baremetal.h"

namespace llmc::rt {
namespace {

using EntryPoint = void (*)(void *const *operands, const uint32_t *params, uint32_t part,
                            uint32_t parts);

bool equal(const char *data, size_t size, const char *word) {
  size_t i = 0;
  for (; i < size && word[i] != '\0'; ++i)
    if (data[i] != word[i])
      return false;
  return i == size && word[i] == '\0';
}

/// Variants whose code this program's core executes, by what the program was compiled for.
constexpr const char *variants[] = {
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
    "armv8.1m-mve",
#endif
#if defined(__thumb2__)
    "armv7m",
#endif
#if defined(__riscv) && __riscv_xlen == 32 && defined(__riscv_mul) && defined(__riscv_compressed)
    "rv32imc",
#endif
    "",
};

} // namespace

BaremetalDevice::BaremetalDevice(const Plan &plan, uint32_t stackBytes)
    : plan(plan), stackBytes(stackBytes) {
  device.struct_size = sizeof(device);
  device.abi = LLMC_DEVICE_ABI;
  device.ctx = this;
  device.match = match;
  device.load = load;
  device.submit = submit;
  device.poll = poll;
}

bool BaremetalDevice::runs(Text variant) {
  if (variant.size == 0)
    return false;
  for (const char *known : variants)
    if (equal(variant.data, variant.size, known))
      return true;
  return false;
}

llmc_status BaremetalDevice::match(void *, const llmc_target_info *target) {
  const Text variant{target->variant, uint32_t(target->variant_size)};
  const bool fits = equal(target->backend, target->backend_size, baremetalBackend) &&
                    runs(variant) && target->abi == baremetalAbi &&
                    target->driver_min <= baremetalDriver;
  return fits ? Status() : Status(LLMC_DEVICE_MISMATCH, LLMC_AT_DEVICE);
}

llmc_status BaremetalDevice::load(void *context, uint32_t kernel, const void *, size_t size) {
  const auto &self = *static_cast<const BaremetalDevice *>(context);
  const Kernel &record = self.plan.kernels()[kernel];
  if (record.entry >= size)
    return Status(LLMC_BAD_RANGE, LLMC_AT_KERNEL, kernel);
  if (stackBytesOf(record) > self.stackBytes)
    return Status(LLMC_TOO_SMALL, LLMC_AT_KERNEL, kernel);
  return Status();
}

llmc_status BaremetalDevice::submit(void *context, const llmc_dispatch *dispatch) {
  const auto &self = *static_cast<const BaremetalDevice *>(context);
  if (dispatch->n_operands > maxArgs)
    return Status(LLMC_OUT_OF_RANGE, LLMC_AT_KERNEL, dispatch->kernel);
  void *operands[maxArgs];
  for (uint32_t i = 0; i < dispatch->n_operands; ++i)
    operands[i] = dispatch->operands[i].base;
  const uintptr_t code = reinterpret_cast<uintptr_t>(dispatch->code);
  reinterpret_cast<EntryPoint>(code + self.plan.kernels()[dispatch->kernel].entry)(
      operands, dispatch->params, 0, 1);
  return Status();
}

llmc_status BaremetalDevice::poll(void *, uint32_t, uint32_t) { return Status(); }

} // namespace llmc::rt
