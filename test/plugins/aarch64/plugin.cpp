// AArch64 with the dot products of Armv8.2 as a target of llmc: an instruction set as a table, and
// the host's lowering for all the rest. Plans run under an emulator here.
#include "guest_device.h"
#include "llmc/target_plugin.h"
#include "machines.h"
#include "row_target.h"

namespace {

constexpr const char *backend = "aarch64", *variantName = "neon-dotprod";
constexpr uint32_t kernelAbi = 1, stackBytes = 256 * 1024;

llmc_isa_table isaTable() {
  llmc_isa_table isa = {};
  isa.struct_size = sizeof isa;
  isa.name = variantName;
  isa.triple = "aarch64-unknown-none-elf";
  isa.cpu = "generic";
  isa.features = "+v8.2a,+dotprod";
  isa.abi = "";
  isa.vector_bits = 128;
  isa.dot = LLMC_DOT_DESCRIBED;
  isa.products.intrinsic = "llvm.aarch64.neon.sdot.v4i32.v16i8";
  isa.products.lanes = 4;
  isa.half_conversion = 1;
  isa.fused_multiply_add = 1;
  isa.stack_bytes = stackBytes;
  isa.blob_alignment = 4096; // Addresses are formed from pages.
  return isa;
}

int supports(const llmc_target_call *call, const llmc_kernel *kernel) {
  const llmc_isa_table isa = isaTable();
  return call->host->rows_supports(call, kernel, &isa);
}

const llmc_variant *variants(const llmc_target_call *, uint32_t *count) {
  static const llmc_variant variant{variantName, kernelAbi, 1, stackBytes, 0};
  *count = 1;
  return &variant;
}

int emitKernels(const llmc_target_call *call, const llmc_variant *, const llmc_kernel *kernels,
                uint32_t count, const llmc_blob_sink *blob) {
  const llmc_isa_table isa = isaTable();
  return call->host->lower_llvm(call, kernels, count, &isa, blob);
}

int openDevice(const llmc_target_call *call, const char *variant, llmc_opened_device *device) {
  return llmc::guest::openDevice(
      call, {backend, kernelAbi, {"qemu-aarch64", "-cpu", "cortex-a76", RUNNER}}, variant, device);
}

llmc_target describe() {
  llmc_target table = llmc::guest::rowTarget();
  table.name = backend;
  table.machines = llmc_machine_texts;
  table.n_machines = LLMC_MACHINE_TEXTS;
  table.supports = supports;
  table.variants = variants;
  table.emit_kernels = emitKernels;
  table.open_device = openDevice;
  return table;
}

const llmc_target target = describe();
const llmc_target *const targets[] = {&target};

} // namespace

LLMC_PLUGIN(backend, "1", targets)
