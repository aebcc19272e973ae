// The brook as a target of llmc.
#include "Isa.h"
#include "Weights.h"

#include "machines.h"

namespace brook {
namespace {
int checkMachine(const llmc_target_call *call) {
  return (call->machine->n_memories == 2 && call->machine->memories[0].kind == LLMC_MEMORY_SRAM) ||
         llmc_refuse(call, "a brook has two memories, of which SRAM is the first");
}

int describe(const llmc_target_call *, llmc_properties *properties) {
  properties->row_granule = panelRows;
  return 1;
}

int supportsFormat(const llmc_target_call *call, const llmc_weight_format &format) {
  return format.scale == LLMC_SCALE_F32_ROW || format.scale == LLMC_SCALE_MULTIPLIER_F32_ROW ||
         llmc_refuse(call, "the matrix unit sums whole rows, groups cannot have scales");
}

int supports(const llmc_target_call *call, const llmc_kernel *kernel) {
  if (const llmc_matmul *m = kernel->matmul) {
    if (m->epilogue != LLMC_EPILOGUE_STORE)
      return llmc_refuse(call, "results are stored as they are");
    if (m->kind == LLMC_MATMUL_LINEAR &&
        (m->n.argument >= 0 || m->k.argument >= 0 || m->k.value > 131072))
      return llmc_refuse(call, "weights have a fixed size, and at most 131072 columns");
    return m->kind != LLMC_MATMUL_LINEAR || supportsFormat(call, m->format);
  }
  if (!kernel->chain)
    return llmc_refuse(call, "it is neither a matrix multiplication nor a vector chain");
  const llmc_vector_chain &chain = *kernel->chain;
  bool fits = chain.n_steps <= maxSteps;
  for (uint32_t i = 0; fits && i < chain.n_steps; ++i)
    fits = chain.steps[i].operand < maxOperands;
  return fits || llmc_refuse(call, "a chain has at most 64 steps and 16 operands");
}

int packedBytes(const llmc_target_call *call, const llmc_weight_shape *shape, uint64_t *bytes) {
  *bytes = PanelLayout(shape->format, shape->columns).bytesOf(shape->rows);
  return supportsFormat(call, shape->format);
}

int pack(const llmc_target_call *, const llmc_weights *weights, uint8_t *out, uint64_t) {
  PanelLayout(weights->shape.format, weights->shape.columns).pack(*weights, out);
  return 1;
}

const llmc_target target = {.struct_size = sizeof target,
                            .n_machines = LLMC_MACHINE_TEXTS,
                            .name = "brook",
                            .machines = llmc_machine_texts,
                            .check_machine = checkMachine,
                            .describe = describe,
                            .supports = supports,
                            .packed_bytes = packedBytes,
                            .pack = pack,
                            .emit_program = emitProgram,
                            .disassemble = disassemble,
                            .open_device = openDevice};
const llmc_target *const targets[] = {&target};
} // namespace
} // namespace brook

LLMC_PLUGIN("brook", "1", brook::targets)
