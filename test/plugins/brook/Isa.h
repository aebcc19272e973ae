// The instruction set of the brook. Four units work side by side, on registers that keep their
// values from command to command. One stream of instructions sets registers and starts commands; a
// command takes a token from each unit that it must follow, and gives one to each that follows it.
#pragma once

#include "llmc/target_plugin.h"

#include <string>
#include <vector>

namespace brook {
/// Numbered as llmc_engine.
enum Unit : unsigned { Read, Write, Matrix, Vector, Units };
extern const char *const unitNames[Units];

enum class Code : uint8_t {
  Halt,
  Set,  ///< Register `field` of the unit becomes the immediate.
  Go,   ///< Starts a command. Field: units to take from, units to give to << 4; immediate: its id.
  Loop, ///< What follows up to End runs `immediate` times. Loops do not nest.
  End,
  Sync, ///< Waits for all units.
};

/// Little-endian.
struct Instruction {
  Code code;
  uint8_t unit;
  uint16_t field;
  uint32_t immediate;
};

// Registers are 32 bits and begin as 0. Those of read and write are an llmc_dma.
struct MatrixRegisters {
  llmc_matmul matmul;
  uint32_t none;
  llmc_command_operand a, aScale, b, out;
};

constexpr uint32_t maxOperands = 16, maxSteps = 64;
struct VectorRegisters {
  llmc_extent tokens, columns;
  uint32_t subRows;
  int32_t positionArgument;
  uint32_t firstToken, nSteps;
  llmc_command_operand operands[maxOperands];
  llmc_chain_step steps[maxSteps];
};
constexpr unsigned maxRegisters = sizeof(VectorRegisters) / 4;

/// Before the instructions.
struct Header {
  char magic[8];       ///< "brook 1"
  uint8_t machine[32]; ///< Digest of its description.
  uint32_t nArguments, sramBytes;
};

/// False where the bytes are no program.
bool decode(const void *code, uint64_t size, Header &header, std::vector<Instruction> &stream);

// Functions of the target's table.
int emitProgram(const llmc_target_call *call, const llmc_program *program, const llmc_sink *code);
int disassemble(const llmc_target_call *call, const uint8_t *code, uint64_t size,
                const llmc_sink *sink);
int openDevice(const llmc_target_call *call, const char *variant, llmc_opened_device *opened);
} // namespace brook
