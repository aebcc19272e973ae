// A plugin in C++ that lets an exception out.
#include "llmc/target_plugin.h"

#include "small_machine.h"

#include <stdexcept>

namespace {

int supports(const llmc_target_call *, const llmc_kernel *) {
  throw std::runtime_error("no such kernel");
}

int emitKernels(const llmc_target_call *, const llmc_variant *, const llmc_kernel *, uint32_t,
                const llmc_blob_sink *) {
  return 1;
}

int packedRowsBytes(const llmc_target_call *, const llmc_pack_rows *rows, uint64_t *bytes) {
  *bytes = uint64_t(rows->tokens.value) * rows->columns;
  return 1;
}

const char *const machines[] = {reinterpret_cast<const char *>(small_machine)};

} // namespace

extern "C" LLMC_PLUGIN_EXPORT const llmc_plugin *llmc_target_plugin() {
  static llmc_target target{};
  target.struct_size = sizeof target;
  target.n_machines = 1;
  target.name = "small";
  target.machines = machines;
  target.supports = supports;
  target.packed_rows_bytes = packedRowsBytes;
  target.emit_kernels = emitKernels;
  static const llmc_target *const targets[] = {&target};
  static const llmc_plugin plugin{sizeof(llmc_plugin),
                                  LLMC_TARGET_PLUGIN_VERSION_MAJOR,
                                  LLMC_TARGET_PLUGIN_VERSION_MINOR,
                                  1,
                                  LLMC_TARGET_PLUGIN_LAYOUT,
                                  "throws",
                                  "1.0",
                                  targets};
  return &plugin;
}
