// One run of a command with every number worked out, and what it will touch.
#pragma once

#include "runtime/base/span.h"
#include "targets/Rnpu/Simulator/Access.h"
#include "targets/Rnpu/Simulator/Fault.h"
#include "targets/Rnpu/Simulator/Timeline.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace llmc::rnpu {

/// The memories of one dispatch, by space.
using Memories = std::array<rt::Span<uint8_t>, target::kSpaces>;

/// Keeps the first fault, with the command it happened in.
class Reporter {
public:
  explicit Reporter(std::string entry) : entry(std::move(entry)) {}
  void enter(const Instance &next) { instance = next; }
  /// Always false, so that a check can return it.
  bool fail(FaultKind kind, const std::string &text, target::Space space = target::Space::Sram,
            uint64_t address = 0, uint64_t limit = 0);
  const std::optional<Fault> &fault() const { return first; }

private:
  std::string entry;
  Instance instance;
  std::optional<Fault> first;
};

/// Numbers of a command's run. Vectors are reused from command to command.
struct Resolved {
  std::vector<Access> reads, writes;
  std::vector<uint64_t> addresses;                ///< Per operand; source and destination of a DMA.
  uint64_t run = 0, counts[2] = {0, 0};           ///< DMA.
  uint64_t tokens = 0, subRows = 0, n = 0, k = 0; ///< Matmul.
  uint64_t columns = 0, position = 0;             ///< Chain; position of token 0.
  uint64_t laneOps = 0;                           ///< Steps times the elements they take or make.
  uint64_t rows() const { return tokens * subRows; }
};

/// Columns per element of a LoadGroup step; 0 where its immediate is no such number.
uint32_t groupOf(const target::ChainStep &step);

/// Works out a command against arguments and memories, refusing what the machine cannot do. What it
/// accepts lies inside its memories, may be written where it writes, and is aligned.
class Resolver {
public:
  Resolver(const target::Machine &machine, const target::Program &program,
           rt::Span<const uint32_t> arguments, const Memories &memories, Reporter &reporter)
      : machine(machine), program(program), arguments(arguments), memories(memories),
        reporter(reporter) {}

  bool resolve(const Instance &instance, Resolved &out);

private:
  bool extent(const target::Extent &extent, uint32_t unit, const char *what, uint64_t &out);
  bool address(const target::Address &address, const char *what, uint64_t &out);
  bool resolve(const target::Dma &dma, Resolved &out);
  bool gatherReads(const target::Dma &dma, Resolved &out);
  bool resolve(const target::MatmulCommand &command, Resolved &out);
  bool linearTile(const target::MatmulCommand &command, Resolved &out);
  bool checkVolume(const Resolved &r, uint64_t width);
  bool checkTypes(const target::MatmulCommand &command);
  bool resolve(const target::ChainCommand &command, Resolved &out);
  bool chainAccess(const target::ChainCommand &command, const target::ChainStep &step,
                   Resolved &out);
  bool operandAddress(const target::Operand &operand, unsigned index, Resolved &out);
  bool add(const target::Operand *operand, const Access &access, bool write, uint64_t alignment,
           Resolved &out);

  const target::Machine &machine;
  const target::Program &program;
  rt::Span<const uint32_t> arguments;
  const Memories &memories;
  Reporter &reporter;
  Instance instance;
};

} // namespace llmc::rnpu
