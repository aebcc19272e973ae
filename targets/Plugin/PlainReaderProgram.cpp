// What came through the interface, checked: programs.
#include "targets/Plugin/PlainReader.h"

namespace llmc::target {

Space PlainReader::space(uint32_t value) { return enumerator(value, Space::Sram, "a space"); }

Address PlainReader::address(const llmc_address &address) {
  Address to;
  to.space = space(address.space);
  to.offset = address.offset;
  to.argument = argument(address.argument);
  to.argumentStride = address.argument_stride;
  to.tripStride = address.trip_stride;
  return to;
}

Operand PlainReader::operand(const llmc_command_operand &operand) {
  Operand to;
  to.address = address(operand.address);
  to.type = enumerator(operand.type, ElementType::U4, "an element type");
  to.tokenStride = operand.token_stride;
  to.subStride = operand.sub_stride;
  to.bytes = operand.bytes;
  return to;
}

Dma PlainReader::dma(const llmc_dma &dma) {
  Dma to;
  to.source = address(dma.source);
  to.destination = address(dma.destination);
  to.ids = address(dma.ids);
  to.run = extent(dma.run);
  to.runUnit = dma.run_unit;
  for (int i = 0; i < 2; ++i) {
    to.counts[i] = extent(dma.counts[i]);
    to.sourceStrides[i] = dma.source_strides[i];
    to.destinationStrides[i] = dma.destination_strides[i];
  }
  to.gather = flag(dma.gather, "gather");
  to.gatherBound = dma.gather_bound;
  return to;
}

void PlainReader::addKernel(const llmc_command &command, Command &to) {
  std::vector<Operand> operands;
  if (const llmc_command_operand *list = array(command.operands, command.n_operands, "operands"))
    for (uint32_t i = 0; i < command.n_operands; ++i)
      operands.push_back(operand(list[i]));
  KernelWork kernel = work(*command.kernel);
  if (auto *chain = std::get_if<VectorChain>(&kernel)) {
    to.work = ChainCommand{std::move(*chain), std::move(operands)};
    return;
  }
  MatmulCommand matmul;
  if (!std::holds_alternative<Matmul>(kernel) || operands.size() != std::size(matmul.operands))
    return fail(fmt::format("command {} has a kernel of kind {} and {} operands", command.id,
                            command.kernel->kind, operands.size()));
  matmul.matmul = std::get<Matmul>(kernel);
  std::copy(operands.begin(), operands.end(), matmul.operands);
  to.work = matmul;
}

Command PlainReader::command(const llmc_command &command) {
  Command to;
  to.engine = enumerator(command.engine, Engine::Vector, "an engine");
  to.id = command.id;
  to.name = text(command.name, "the name of a command");
  const uint32_t waits = atMost(command.n_waits, std::size(command.waits), "n_waits");
  for (uint32_t i = 0; i < waits; ++i)
    to.waits.push_back({enumerator(command.waits[i].engine, Engine::Vector, "an engine"),
                        command.waits[i].value, command.waits[i].per_trip});
  if (bool(command.dma) == bool(command.kernel))
    fail(fmt::format("command {} has {}", command.id,
                     command.dma ? "both a transfer and a kernel" : "neither transfer nor kernel"));
  else if (command.dma)
    to.work = dma(*command.dma);
  else
    addKernel(command, to);
  return to;
}

Section PlainReader::section(const llmc_section &section) {
  Section to;
  if (const llmc_command *commands = array(section.commands, section.n_commands, "commands"))
    for (uint32_t i = 0; i < section.n_commands; ++i)
      to.commands.push_back(command(commands[i]));
  return to;
}

Program PlainReader::program(const llmc_program &program) {
  Program to;
  if (program.struct_size != sizeof program)
    fail(fmt::format("a program has struct_size {}, not {}", program.struct_size, sizeof program));
  to.entry = text(program.entry, "the entry of a program");
  to.arguments = program.n_arguments;
  if (const uint32_t *most = array(program.argument_max, program.n_arguments, "arguments"))
    to.argumentMax.assign(most, most + program.n_arguments);
  to.trips = program.trips;
  to.prologue = section(program.prologue);
  to.body = section(program.body);
  to.epilogue = section(program.epilogue);
  to.sramBytes = program.sram_bytes;
  return to;
}

} // namespace llmc::target
