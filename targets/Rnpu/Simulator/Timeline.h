// When every command of a program runs: four engines, their lists, the semaphores, the bus.
//
// Tensor and Vector run one command at a time. A DMA engine moves data for one command at a time
// and retires in order; the latencies of up to dmaOutstanding commands overlap. A command is issued
// once its waits hold and its engine has room, and that is when `issue` is called: an order that
// keeps happens-before. Semaphore e is the number of commands engine e has retired.
#pragma once

#include "targets/Interface/Machine.h"
#include "targets/Rnpu/Simulator/Bus.h"
#include "targets/Rnpu/Simulator/Shadow.h"

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace llmc::rnpu {

/// One run of a command.
struct Instance {
  const target::Command *command = nullptr;
  target::Engine engine = target::Engine::Load;
  uint64_t index = 0; ///< In the engine's list, trips counted.
  uint32_t trip = 0;  ///< 0 outside the body.
};

/// What a command takes, waiting and sharing aside. Tensor and Vector use `work` alone.
struct Cost {
  uint64_t setup = 0, latency = 0, work = 0;
  unsigned memory = 0; ///< The bus it uses.
  double demand = 1.0; ///< And how much of it.
};

struct EngineStats {
  uint64_t commands = 0;
  uint64_t busy = 0;  ///< Cycles with at least one command issued and not retired.
  uint64_t stall = 0; ///< Cycles with commands left but none issued.
};

/// The list of one engine, body unrolled on demand.
class EngineList {
public:
  EngineList(const target::Program &program, target::Engine engine);
  uint64_t size() const { return total; }
  Instance at(uint64_t index) const;

private:
  target::Engine engine;
  std::vector<const target::Command *> prologue, body, epilogue;
  uint64_t bodyEnd = 0, total = 0;
};

class Timeline {
public:
  struct Hooks {
    /// Runs the command; nothing where it faulted. The clock holds what happened before it, itself
    /// included.
    std::function<std::optional<Cost>(const Instance &, const Clock &)> issue;
    std::function<void(const Instance &, uint64_t start, uint64_t end)> retire;
  };

  /// `base`: commands of each engine that earlier dispatches ran.
  Timeline(const target::Program &program, const target::Machine &machine, const Clock &base);

  enum class End { Done, Stopped, Deadlock };
  End run(const Hooks &hooks);

  uint64_t cycles() const { return now; }
  const std::array<EngineStats, target::kEngines> &stats() const { return engineStats; }
  const EngineList &list(target::Engine engine) const { return lists[unsigned(engine)]; }
  /// After a deadlock: who waits for whom, one engine a clause.
  std::string waitGraph() const;
  /// After a deadlock: the first engine that waits.
  target::Engine blockedEngine() const;
  uint64_t nextIndex(target::Engine engine) const { return states[unsigned(engine)].issued; }

private:
  struct Flight {
    Instance instance;
    uint64_t issued = 0, ready = 0;
    Cost cost;
    bool moving = false;
    uint64_t end = Bus::never;
  };
  struct State {
    uint64_t issued = 0, retired = 0, lastRetire = 0;
    std::deque<Flight> flights;
    Clock clock{};             ///< What happened before the engine's next command.
    std::vector<Clock> clocks; ///< Of every issued command.
  };

  bool waitsHold(const Instance &instance) const;
  const target::Wait *firstBlocked(const Instance &instance) const;
  bool tryIssue(unsigned e, const Hooks &hooks);
  bool tryMove(unsigned e);
  bool tryRetire(unsigned e, const Hooks &hooks);
  uint64_t moveTime(unsigned e) const;
  uint64_t nextEvent() const;

  const target::Machine &machine;
  std::vector<EngineList> lists;
  std::array<State, target::kEngines> states;
  std::array<EngineStats, target::kEngines> engineStats{};
  Bus bus{2};
  Clock base;
  uint64_t now = 0;
  bool stopped = false;
};

} // namespace llmc::rnpu
