// Programs, machines, instruction sets and weights.
#include "targets/Plugin/Convert.h"

#include <algorithm>

namespace llmc::target {

namespace {

static_assert(unsigned(Engine::Load) == LLMC_ENGINE_LOAD &&
              unsigned(Engine::Store) == LLMC_ENGINE_STORE &&
              unsigned(Engine::Tensor) == LLMC_ENGINE_TENSOR &&
              unsigned(Engine::Vector) == LLMC_ENGINE_VECTOR && kEngines == LLMC_ENGINE_COUNT);
static_assert(unsigned(Space::Weights) == LLMC_SPACE_WEIGHTS &&
              unsigned(Space::State) == LLMC_SPACE_STATE &&
              unsigned(Space::Ids) == LLMC_SPACE_IDS && unsigned(Space::Io) == LLMC_SPACE_IO &&
              unsigned(Space::Scratch) == LLMC_SPACE_SCRATCH &&
              unsigned(Space::Sram) == LLMC_SPACE_SRAM && kSpaces == LLMC_SPACE_COUNT);
static_assert(unsigned(MemoryKind::Sram) == LLMC_MEMORY_SRAM &&
              unsigned(MemoryKind::Dram) == LLMC_MEMORY_DRAM &&
              unsigned(MemoryKind::FlashXip) == LLMC_MEMORY_FLASH_XIP &&
              unsigned(MemoryKind::FlashPaged) == LLMC_MEMORY_FLASH_PAGED);
static_assert(unsigned(DispatchKind::Stream) == LLMC_DISPATCH_STREAM &&
              unsigned(DispatchKind::Kernel) == LLMC_DISPATCH_KERNEL);

static_assert(unsigned(DotKind::None) == LLMC_DOT_NONE &&
              unsigned(DotKind::Vmladava) == LLMC_DOT_VMLADAVA &&
              unsigned(DotKind::MaddUbs) == LLMC_DOT_MADD_UBS &&
              unsigned(DotKind::Vpdpbusd) == LLMC_DOT_VPDPBUSD &&
              unsigned(DotKind::Tdpbsud) == LLMC_DOT_TDPBSUD &&
              unsigned(DotKind::Described) == LLMC_DOT_DESCRIBED);

llmc_address plainOf(const Address &address) {
  llmc_address plain{};
  plain.space = uint8_t(address.space);
  plain.argument = address.argument;
  plain.offset = address.offset;
  plain.trip_stride = address.tripStride;
  plain.argument_stride = address.argumentStride;
  return plain;
}

llmc_dma plainOf(const Dma &dma) {
  llmc_dma plain{};
  plain.source = plainOf(dma.source);
  plain.destination = plainOf(dma.destination);
  plain.ids = plainOf(dma.ids);
  plain.run = plainOf(dma.run);
  for (int i = 0; i < 2; ++i) {
    plain.counts[i] = plainOf(dma.counts[i]);
    plain.source_strides[i] = dma.sourceStrides[i];
    plain.destination_strides[i] = dma.destinationStrides[i];
  }
  plain.run_unit = dma.runUnit;
  plain.gather = dma.gather;
  plain.gather_bound = dma.gatherBound;
  return plain;
}

} // namespace

PlainProgram::PlainProgram(const Program &program) {
  plain.struct_size = sizeof plain;
  plain.trips = program.trips;
  plain.entry = program.entry.c_str();
  plain.argument_max = program.argumentMax.data();
  plain.n_arguments = program.arguments;
  plain.prologue = sectionOf(program.prologue);
  plain.body = sectionOf(program.body);
  plain.epilogue = sectionOf(program.epilogue);
  plain.sram_bytes = program.sramBytes;
}

llmc_section PlainProgram::sectionOf(const Section &section) {
  std::vector<llmc_command> list;
  for (const Command &command : section.commands)
    list.push_back(commandOf(command));
  const std::vector<llmc_command> &kept = commands.emplace_back(std::move(list));
  return {kept.data(), uint32_t(kept.size()), 0};
}

llmc_command PlainProgram::commandOf(const Command &command) {
  llmc_command to{};
  to.engine = uint32_t(command.engine);
  to.id = command.id;
  to.name = command.name.c_str();
  if (const auto *dma = std::get_if<Dma>(&command.work)) {
    to.dma = &transfers.emplace_back(plainOf(*dma));
  } else if (const auto *matmul = std::get_if<MatmulCommand>(&command.work)) {
    to.kernel = &kernels.emplace_back(KernelWork(matmul->matmul)).kernel();
    to.n_operands = uint32_t(std::size(matmul->operands));
    to.operands = keep(matmul->operands, to.n_operands);
  } else {
    const auto &chain = std::get<ChainCommand>(command.work);
    to.kernel = &kernels.emplace_back(KernelWork(chain.chain)).kernel();
    to.n_operands = uint32_t(chain.operands.size());
    to.operands = keep(chain.operands.data(), to.n_operands);
  }
  to.n_waits = uint32_t(std::min(command.waits.size(), std::size(to.waits)));
  for (uint32_t i = 0; i < to.n_waits; ++i)
    to.waits[i] = {command.waits[i].value, command.waits[i].perTrip,
                   uint32_t(command.waits[i].engine), 0};
  return to;
}

const llmc_command_operand *PlainProgram::keep(const Operand *from, size_t count) {
  std::vector<llmc_command_operand> &kept = operands.emplace_back(count);
  for (size_t i = 0; i < count; ++i) {
    kept[i].address = plainOf(from[i].address);
    kept[i].type = uint8_t(from[i].type);
    kept[i].token_stride = from[i].tokenStride;
    kept[i].sub_stride = from[i].subStride;
    kept[i].bytes = from[i].bytes;
  }
  return kept.data();
}

PlainMachine::PlainMachine(const Machine &machine) {
  for (const Memory &memory : machine.memories)
    memories.push_back({memory.name.c_str(), memory.bytes, uint32_t(memory.kind), memory.alignment,
                        memory.effectiveReadRate(), memory.effectiveWriteRate(), memory.readLatency,
                        memory.writeLatency});
  plain.struct_size = sizeof plain;
  plain.dispatch = uint32_t(machine.dispatch);
  plain.name = machine.name.c_str();
  plain.isa = machine.isa.c_str();
  plain.json = machine.text.c_str();
  plain.digest = machine.digest.data();
  plain.clock_hz = machine.clockHz;
  plain.memories = memories.data();
  plain.n_memories = uint32_t(memories.size());
  plain.mac_per_cycle_i8 = machine.tensor.macPerCycleI8;
  plain.mac_per_cycle_f16 = machine.tensor.macPerCycleF16;
  plain.gemv_mac_per_cycle = machine.tensor.gemvMacPerCycle;
  plain.vector_lanes = machine.vector.lanes;
  plain.vector_max_steps = machine.vector.maxSteps;
  plain.launch_cycles = machine.launchCycles;
  plain.head_rows = machine.headRows;
  plain.prefill_chunks = machine.prefillChunks.data();
  plain.n_prefill_chunks = uint32_t(machine.prefillChunks.size());
}

llmc_isa_table plainOf(const IsaTable &isa) {
  llmc_isa_table plain{};
  plain.struct_size = sizeof plain;
  plain.dot = uint32_t(isa.dot);
  plain.name = isa.name.c_str();
  plain.triple = isa.triple.c_str();
  plain.cpu = isa.cpu.c_str();
  plain.features = isa.features.c_str();
  plain.abi = isa.abi.c_str();
  plain.vector_bits = isa.vectorBits;
  plain.code_model = uint32_t(isa.codeModel);
  plain.half_conversion = isa.halfConversion;
  plain.fused_multiply_add = isa.fusedMultiplyAdd;
  plain.soft_float = isa.softFloat;
  plain.stack_bytes = isa.stackBytes;
  plain.blob_alignment = isa.blobAlignment;
  plain.products = {isa.products.intrinsic.c_str(), isa.products.lanes, isa.products.words,
                    isa.products.unsignedWeights, !isa.products.adds};
  return plain;
}

llmc_weights plainOf(const WeightRows &rows) {
  return {{plainOf(rows.format), rows.rows, rows.columns},
          rows.elements,
          rows.rowScales,
          rows.multipliers,
          rows.halfScales,
          rows.groupScales};
}

} // namespace llmc::target
