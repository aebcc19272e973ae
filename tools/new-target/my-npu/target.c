/* my-npu as a target of llmc: what it takes, what that costs, and its code. llmc calls the
 * functions of the table at the end; llmc/target_plugin.h says what each must do. */
#include "npu.h"

#include "machines.h"

/* Whether a description, which may come from --machine=FILE, is of such a machine. */
static int check_machine(const llmc_target_call *call) {
  const llmc_machine *machine = call->machine;
  if (machine->n_memories != 2 || machine->memories[0].kind != LLMC_MEMORY_SRAM)
    return llmc_refuse(call, "my-npu has two memories, of which SRAM is the first");
  return 1;
}

/* What the compiler must know beforehand. */
static int describe(const llmc_target_call *call, llmc_properties *properties) {
  (void)call;
  properties->row_granule = NPU_PANEL_ROWS;
  return 1;
}

/* Whether the NPU takes a kernel. Everything that it takes is packed, encoded and run here, and
 * checked by `llmc conformance`; everything else runs on the host, for the reason given. GROW this
 * function: epilogues of linear layers, then embeddings, attention and vector chains. */
static int supports(const llmc_target_call *call, const llmc_kernel *kernel) {
  const llmc_matmul *matmul = kernel->matmul;
  if (!matmul || matmul->kind != LLMC_MATMUL_LINEAR)
    return llmc_refuse(call, "only linear layers run on the NPU");
  if (matmul->epilogue != LLMC_EPILOGUE_STORE)
    return llmc_refuse(call, "the NPU stores results as they are");
  if (matmul->n.argument >= 0 || matmul->k.argument >= 0)
    return llmc_refuse(call, "weights must have a fixed size");
  if (matmul->k.value > NPU_MOST_COLUMNS)
    return llmc_refuse(call, "a sum of more than 131072 products overflows");
  return 1;
}

/* Optional: without it llmc estimates by the rates of machine.json. REPLACE by what you measured,
 * or remove. Here the NPU reads weights while it multiplies. */
static int cycles(const llmc_target_call *call, const llmc_kernel *kernel, uint64_t *result) {
  if (!supports(call, kernel))
    return 0;
  const llmc_machine *machine = call->machine;
  const llmc_matmul *m = kernel->matmul;
  const npu_layout layout = npu_layout_of(&m->format, m->k.value);
  const uint64_t rows = (uint64_t)m->tokens.value * m->sub_rows;
  const uint64_t at_once = rows * machine->gemv_mac_per_cycle;
  const uint64_t rate = at_once < machine->mac_per_cycle_i8 ? at_once : machine->mac_per_cycle_i8;
  const uint64_t multiplying = rate ? rows * m->n.value * m->k.value / rate : 0;
  const double bytes = (double)npu_packed_bytes(&layout, m->n.value);
  const uint64_t reading = (uint64_t)(bytes / machine->memories[1].read_bytes_per_cycle);
  *result = machine->launch_cycles + (reading > multiplying ? reading : multiplying);
  return 1;
}

/* Bytes of packed weights, and the weights themselves: weights.c. */
static int packed_bytes(const llmc_target_call *call, const llmc_weight_shape *shape,
                        uint64_t *bytes) {
  (void)call;
  const npu_layout layout = npu_layout_of(&shape->format, shape->columns);
  *bytes = npu_packed_bytes(&layout, shape->rows);
  return 1;
}

static int pack(const llmc_target_call *call, const llmc_weights *weights, uint8_t *out,
                uint64_t bytes) {
  (void)call;
  (void)bytes; /* what packed_bytes said */
  const npu_layout layout = npu_layout_of(&weights->shape.format, weights->shape.columns);
  npu_pack(&layout, weights, out);
  return 1;
}

/* All kernels of a plan as one blob, and where each begins in it. REPLACE by your encoder. */
static int emit_kernels(const llmc_target_call *call, const llmc_variant *variant,
                        const llmc_kernel *kernels, uint32_t n_kernels,
                        const llmc_blob_sink *blob) {
  (void)call;
  (void)variant;
  for (uint32_t i = 0; i < n_kernels; ++i) {
    npu_command command = {.command = NPU_COMMAND, .matmul = *kernels[i].matmul};
    memcpy(command.operands, kernels[i].operands, sizeof command.operands);
    blob->code(blob->ctx, &command, sizeof command, 4);
    blob->entry(blob->ctx, i * (uint32_t)sizeof command, 0);
  }
  return 1;
}

static const llmc_target target = {.struct_size = sizeof(llmc_target),
                                   .n_machines = LLMC_MACHINE_TEXTS,
                                   .name = "my-npu",
                                   .machines = llmc_machine_texts,
                                   .check_machine = check_machine,
                                   .describe = describe,
                                   .supports = supports,
                                   .cycles = cycles,
                                   .packed_bytes = packed_bytes,
                                   .pack = pack,
                                   .emit_kernels = emit_kernels,
                                   .open_device = npu_open_device};
static const llmc_target *const targets[] = {&target};

LLMC_PLUGIN("my-npu", "0.1", targets)
