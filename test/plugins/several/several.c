/* A plugin with two targets that share their functions, told apart by `ctx`. They take nothing. */
#include "llmc/target_plugin.h"

#include "several_machines.h"

static int supports(const llmc_target_call *call, const llmc_kernel *kernel) {
  (void)kernel;
  return llmc_refuse(call, (const char *)call->ctx);
}

static int emit_kernels(const llmc_target_call *call, const llmc_variant *variant,
                        const llmc_kernel *kernels, uint32_t n_kernels,
                        const llmc_blob_sink *blob) {
  (void)variant;
  (void)kernels;
  (void)n_kernels;
  (void)blob;
  return llmc_refuse(call, "there is nothing to emit");
}

static const char *const north_machines[] = {(const char *)north_1, (const char *)north_2};
static const char *const south_machines[] = {(const char *)south_1};

static char north_reason[] = "it is too cold in the north";
static char south_reason[] = "it is too warm in the south";

static const llmc_target north = {.struct_size = sizeof(llmc_target),
                                  .n_machines = 2,
                                  .name = "north",
                                  .ctx = north_reason,
                                  .machines = north_machines,
                                  .supports = supports,
                                  .emit_kernels = emit_kernels};
static const llmc_target south = {.struct_size = sizeof(llmc_target),
                                  .n_machines = 1,
                                  .name = "south",
                                  .ctx = south_reason,
                                  .machines = south_machines,
                                  .supports = supports,
                                  .emit_kernels = emit_kernels};
static const llmc_target *const targets[] = {&north, &south};

LLMC_PLUGIN("several", "1", targets)
