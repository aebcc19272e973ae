// Waits become tokens, and commands the registers that differ from what they were.
#include "Isa.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace brook {
namespace {
struct Encoder {
  std::vector<Instruction> stream;
  std::string error;

  void run(const llmc_program &program) {
    section(program.prologue, 0);
    section(program.body, program.trips);
    section(program.epilogue, 0);
    put(Code::Halt);
  }

  void put(Code code, unsigned unit = 0, unsigned field = 0, uint32_t immediate = 0) {
    stream.push_back({code, uint8_t(unit), uint16_t(field), immediate});
  }

  /// With `trips`, a loop. Every run begins when all before it is done.
  void section(const llmc_section &section, uint32_t trips) {
    if (trips) { // What registers hold differs from trip to trip.
      put(Code::Loop, 0, 0, trips);
      std::fill(file.begin(), file.end(), std::nullopt);
    }
    put(Code::Sync);
    const std::vector<unsigned> tokens = tokensOf(section);
    for (uint32_t i = 0; i < section.n_commands; ++i) {
      const llmc_command &command = section.commands[i];
      configure(command);
      put(Code::Go, command.engine, tokens[i], command.id);
      retired[command.engine] += std::max(trips, 1u);
    }
    if (trips)
      put(Code::End);
  }

  /// Of each command, units to take from and, << 4, to give to. What an earlier command of the unit
  /// has waited for needs no token, so that tokens are taken in the order in which they are given.
  std::vector<unsigned> tokensOf(const llmc_section &section) {
    std::vector<unsigned> tokens(section.n_commands);
    std::vector<uint32_t> lists[Units]; // of commands, by unit
    int64_t reached[Units][Units] = {};
    for (uint32_t i = 0; i < section.n_commands; ++i) {
      const llmc_command &command = section.commands[i];
      for (const llmc_wait *wait = command.waits; wait != command.waits + command.n_waits; ++wait) {
        const std::vector<uint32_t> &given = lists[wait->engine];
        int64_t &known = reached[command.engine][wait->engine];
        const int64_t count = wait->value - retired[wait->engine];
        if (count > int64_t(given.size()))
          error = "a wait for what comes later, which no token can give";
        else if (count > known) {
          tokens[i] |= 1u << wait->engine;
          tokens[given[size_t(count - 1)]] |= 16u << command.engine;
          known = count;
        }
      }
      lists[command.engine].push_back(i);
    }
    return tokens;
  }

  /// Registers from byte `first` on become those of a command.
  void set(unsigned unit, const void *registers, size_t first, size_t bytes) {
    for (size_t i = first / 4; i < (first + bytes) / 4; ++i) {
      uint32_t value;
      memcpy(&value, static_cast<const uint8_t *>(registers) + 4 * i, 4);
      std::optional<uint32_t> &known = file[unit * maxRegisters + i];
      if (known != value)
        put(Code::Set, unit, unsigned(i), value);
      known = value;
    }
  }

  /// Operands and steps that a chain does not have stay what they are.
  void configure(const llmc_command &command) {
    const llmc_command_operand *o = command.operands;
    if (command.dma)
      return set(command.engine, command.dma, 0, sizeof *command.dma);
    if (const llmc_matmul *matmul = command.kernel->matmul) {
      const MatrixRegisters matrix = {*matmul, 0, o[0], o[1], o[2], o[3]};
      return set(Matrix, &matrix, 0, sizeof matrix);
    }
    const llmc_vector_chain &c = *command.kernel->chain;
    VectorRegisters vector = {c.tokens,      c.columns, c.sub_rows, c.position_argument,
                              c.first_token, c.n_steps, {},         {}};
    std::copy(o, o + command.n_operands, vector.operands);
    std::copy(c.steps, c.steps + c.n_steps, vector.steps);
    set(Vector, &vector, 0, offsetof(VectorRegisters, operands) + command.n_operands * sizeof *o);
    set(Vector, &vector, offsetof(VectorRegisters, steps), c.n_steps * sizeof *c.steps);
  }

  /// What registers hold, where it is known.
  std::vector<std::optional<uint32_t>> file = decltype(file)(Units * maxRegisters, 0);
  int64_t retired[Units] = {}; ///< Before the section.
};
} // namespace

const char *const unitNames[Units] = {"read", "write", "matrix", "vector"};

int emitProgram(const llmc_target_call *call, const llmc_program *program, const llmc_sink *code) {
  Encoder encoder;
  encoder.run(*program);
  Header header = {"brook 1", {}, program->n_arguments, uint32_t(program->sram_bytes)};
  memcpy(header.machine, call->machine->digest, sizeof header.machine);
  code->write(code->ctx, &header, sizeof header);
  code->write(code->ctx, encoder.stream.data(), encoder.stream.size() * sizeof(Instruction));
  return encoder.error.empty() || llmc_refuse(call, encoder.error.c_str());
}

bool decode(const void *code, uint64_t size, Header &header, std::vector<Instruction> &stream) {
  if (size <= sizeof header || (size - sizeof header) % sizeof(Instruction) ||
      memcmp(code, "brook 1", sizeof header.magic))
    return false;
  memcpy(&header, code, sizeof header);
  stream.resize((size - sizeof header) / sizeof(Instruction));
  memcpy(stream.data(), static_cast<const uint8_t *>(code) + sizeof header, size - sizeof header);
  return stream.back().code == Code::Halt &&
         std::all_of(stream.begin(), stream.end(), [](const Instruction &i) {
           return i.code <= Code::Sync && i.unit < Units && i.field < maxRegisters;
         });
}

int disassemble(const llmc_target_call *call, const uint8_t *code, uint64_t size,
                const llmc_sink *sink) {
  static const char *const codes[] = {"halt", "set ", "go ", "loop", "end", "sync"};
  Header header;
  std::vector<Instruction> stream;
  if (!decode(code, size, header, stream))
    return llmc_refuse(call, "these bytes are no program of a brook");
  for (const Instruction &i : stream) {
    std::string text = codes[unsigned(i.code)];
    if (i.code == Code::Set || i.code == Code::Go)
      text += unitNames[i.unit];
    if (i.code == Code::Set)
      text.append(".").append(std::to_string(i.field));
    if (i.code >= Code::Set && i.code <= Code::Loop)
      text.append(" ").append(std::to_string(i.immediate));
    for (unsigned bit = 0; i.code == Code::Go && bit < 2 * Units; ++bit)
      if (i.field >> bit & 1)
        text.append(bit < Units ? ", after " : ", before ").append(unitNames[bit % Units]);
    text += '\n';
    sink->write(sink->ctx, text.data(), text.size());
  }
  return 1;
}
} // namespace brook
