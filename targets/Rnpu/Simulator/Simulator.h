// The reference NPU, executed: values bit for bit, cycles, energy, and a judge.
//
// One dispatch runs one program on memories bound for it. The first fault ends the dispatch;
// memories then hold whatever was written. Values, faults and figures depend on nothing but the
// program, the bound bytes and the arguments: no clock, no thread, no host instruction set.
#pragma once

#include "runtime/base/span.h"
#include "targets/Interface/Machine.h"
#include "targets/Rnpu/Simulator/Execute.h"
#include "targets/Rnpu/Simulator/Fault.h"
#include "targets/Rnpu/Simulator/Shadow.h"
#include "targets/Rnpu/Simulator/Timeline.h"
#include "targets/Rnpu/Timing.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace llmc::rnpu {

/// Off-chip memories of a dispatch, in the order of target::Space. Weights and Ids are only read.
struct Bindings {
  rt::Span<uint8_t> weights, state, ids, io, scratch;
};

/// One memory's bytes as commands asked for them.
struct Traffic {
  std::string memory;
  uint64_t read = 0, written = 0;
};

/// What happened, by class of event.
struct Counters {
  uint64_t commands = 0;
  uint64_t macsI8 = 0, macsF16 = 0;
  uint64_t laneOps = 0;   ///< Vector steps times the elements they make or reduce.
  uint64_t nonFinite = 0; ///< Infinities and NaNs among stored fp32 and f16 results.
  uint64_t saturated = 0; ///< Values that f16 stores clamped.
};

struct Result {
  std::optional<Fault> fault;
  uint64_t cycles = 0; ///< Launch included.
  std::array<EngineStats, target::kEngines> engines{};
  std::vector<Traffic> memories; ///< In the machine's order.
  Counters counters;
  Energy energy;             ///< pJ, by class.
  target::Band staticEnergy; ///< pJ over `cycles`.
  uint64_t sramPeak = 0;     ///< One past the highest SRAM byte touched.

  bool ok() const { return !fault; }
  target::Band totalEnergy() const;
  /// Adds a later dispatch's figures; peaks are the larger.
  void accumulate(const Result &later);
};

/// A command from issue to retirement, in cycles.
struct TraceEvent {
  const target::Command &command;
  uint64_t index;
  uint32_t trip;
  uint64_t start, end;
};

/// What a command wrote, rows packed without gaps.
struct TapEvent {
  const target::Command &command;
  uint64_t index;
  uint32_t trip;
  unsigned operand; ///< Of the command; 1 for a DMA's destination.
  uint64_t address; ///< Of the first byte, in its space.
  std::vector<uint8_t> bytes;
};

struct Hooks {
  std::function<void(const TraceEvent &)> trace; ///< In order of retirement.
  std::function<void(const TapEvent &)> tap;     ///< In an order that keeps happens-before.
};

struct Options {
  /// Perturbs every latency by this seed. Nothing but times may change.
  std::optional<uint64_t> chaosSeed;
  uint8_t poison = 0xa5; ///< What SRAM holds at the start of a dispatch.
  /// Off: unordered accesses go on, to see what luck makes of them.
  bool judgeRaces = true;
};

class Simulator {
public:
  /// `machine` is well formed, as parseMachine gives it.
  explicit Simulator(target::Machine machine);

  const target::Machine &machine() const { return description; }
  Options options;
  Hooks hooks;

  /// State keeps which of its bytes are valid as long as the same memory is bound; Scratch and SRAM
  /// start each dispatch with none. Io, Weights and Ids count as valid.
  Result dispatch(const target::Program &program, const Bindings &bindings,
                  rt::Span<const uint32_t> arguments);

  /// Binds the memories of later dispatches, so that bytes of a new State can be marked.
  void bind(const Bindings &bindings);
  /// Bytes of State that the host wrote. Those beyond the bound memory are ignored.
  void markStateValid(uint64_t offset, uint64_t bytes);
  /// State holds nothing, as at the start of a session.
  void resetState();

private:
  friend class Dispatch;
  void startSram(uint64_t bytes);

  target::Machine description;
  std::vector<uint8_t> sram;
  Memories memories;
  std::array<Shadow, target::kSpaces> shadows;
  Clock base{}; ///< Commands run so far.
  Executor executor;
};

} // namespace llmc::rnpu
