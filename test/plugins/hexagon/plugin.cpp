// Hexagon with HVX as a target of llmc: an instruction set as a table, and the host's lowering. It
// takes what is made of integers; norms, attention and what else is fp32 vectors runs on the
// fallback: HVX has none up to V67, and no emulator those of later versions.
#include "guest_device.h"
#include "llmc/target_plugin.h"
#include "machines.h"
#include "row_target.h"

namespace {

constexpr const char *backend = "hexagon", *variantName = "hvx-v67";
constexpr uint32_t kernelAbi = 1, stackBytes = 256 * 1024;

llmc_isa_table isaTable() {
  llmc_isa_table isa = {};
  isa.struct_size = sizeof isa;
  isa.name = variantName;
  isa.triple = "hexagon-unknown-none-elf";
  isa.cpu = "hexagonv67";
  isa.features = "+hvxv67,+hvx-length128b";
  isa.abi = "";
  isa.vector_bits = 1024;
  isa.dot = LLMC_DOT_DESCRIBED;
  isa.products.intrinsic = "llvm.hexagon.V6.vrmpybv.acc.128B";
  isa.products.lanes = 32;
  isa.products.words = 1;
  isa.stack_bytes = stackBytes;
  isa.blob_alignment = 128; // Of constants that are vectors.
  return isa;
}

int supports(const llmc_target_call *call, const llmc_kernel *kernel) {
  if (kernel->kind == LLMC_KERNEL_CHAIN || kernel->kind == LLMC_KERNEL_ATTENTION)
    return llmc_refuse(call, "HVX V67 has no vectors of fp32");
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
  return llmc::guest::openDevice(call, {backend, kernelAbi, {"qemu-hexagon", RUNNER}}, variant,
                                 device);
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
