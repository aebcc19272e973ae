// A whole entry as scheduled commands: what a command-stream target encodes. Plain data, no MLIR.
//
// Each engine has its own in-order list of commands. Engines meet only at semaphores: semaphore e
// counts the commands that engine e has retired, so "wait for engine e to reach value v" orders
// everything. Lists are cut into a prologue, a body that runs `trips` times (the layers) and an
// epilogue, the same for all engines.
#pragma once

#include "targets/Interface/Kernel.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace llmc::target {

enum class Engine : uint8_t { Load = 0, Store = 1, Tensor = 2, Vector = 3 };
constexpr unsigned kEngines = 4;

/// Memories as a command names them. Off-chip regions are bound at dispatch, in this order, by the
/// plan's operands.
enum class Space : uint8_t { Weights = 0, State = 1, Ids = 2, Io = 3, Scratch = 4, Sram = 5 };
constexpr unsigned kSpaces = 6;

/// byte address = offset + args[argument]*argumentStride + trip*tripStride. `trip` is the run of
/// the body; outside the body there is none, and trip strides must be 0.
struct Address {
  Space space = Space::Sram;
  uint64_t offset = 0;
  int16_t argument = -1;
  uint32_t argumentStride = 0;
  uint64_t tripStride = 0;
  bool operator==(const Address &) const = default;
};

/// An operand of a kernel: SRAM only. Element (token, sub, column) lies at address +
/// token*tokenStride + sub*subStride + column*size. A packed weight tile has no strides; `bytes` is
/// its size.
struct Operand {
  Address address;
  ElementType type = ElementType::F32;
  uint32_t tokenStride = 0, subStride = 0;
  uint64_t bytes = 0; ///< Upper bound of the bytes touched, from address on.
  bool operator==(const Operand &) const = default;
};

/// A 3-D copy: extents[0] is the contiguous run in bytes, then two outer counts with byte strides
/// on either side.
struct Dma {
  Address source, destination;
  Extent run; ///< Bytes. With an argument: args[argument] * runUnit, at most value.
  uint32_t runUnit = 1;
  Extent counts[2] = {{1, -1}, {1, -1}};
  uint64_t sourceStrides[2] = {0, 0}, destinationStrides[2] = {0, 0};
  /// Gather: row i of counts[0] starts at source + ids[i]*sourceStrides[0], ids being int32 at this
  /// Ids-space address; the bound is checked by the runtime before the dispatch and by the machine.
  bool gather = false;
  Address ids;
  uint32_t gatherBound = 0;
  bool operator==(const Dma &) const = default;
};

struct MatmulCommand {
  Matmul matmul;
  Operand operands[4];
  bool operator==(const MatmulCommand &) const = default;
};

struct ChainCommand {
  VectorChain chain;
  std::vector<Operand> operands;
  bool operator==(const ChainCommand &) const = default;
};

/// Blocks until semaphore `engine` >= value + trip*perTrip. A negative bound holds at once. Outside
/// the body perTrip must be 0.
struct Wait {
  Engine engine = Engine::Load;
  int64_t value = 0;
  int64_t perTrip = 0;
  bool operator==(const Wait &) const = default;
};

struct Command {
  Engine engine = Engine::Load;
  std::vector<Wait> waits; ///< At most three, one per other engine.
  std::variant<Dma, MatmulCommand, ChainCommand> work;
  uint32_t id =
      0; ///< Stable number for traces and comparison: the index of the npu operation it came from.
  std::string name; ///< For listings; travels in the debug section.
  bool operator==(const Command &) const = default;
};

struct Section {
  std::vector<Command>
      commands; ///< Program order; an engine's list is the subsequence of its commands.
  bool operator==(const Section &) const = default;
};

struct Program {
  std::string entry;
  uint32_t arguments = 0;            ///< Number of run-time arguments.
  std::vector<uint32_t> argumentMax; ///< Proved maximum of each.
  uint32_t trips = 0;                ///< Runs of `body`; 0 where there is none.
  Section prologue, body, epilogue;
  uint64_t sramBytes = 0; ///< Highest SRAM address used.
  bool operator==(const Program &) const = default;
};

} // namespace llmc::target
