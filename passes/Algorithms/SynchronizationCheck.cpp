// The judge of synchronize(): shares no code with it.
#include "passes/Algorithms/Synchronization.h"

#include <algorithm>

namespace llmc::passes {

namespace {

struct Instance {
  const SyncCommand *command;
  uint32_t trip;
  bool isEpilogue;
  std::string name;
  /// Commands of each engine that surely retired before this one retires.
  std::vector<int64_t> clock;
  int64_t index = 0; ///< Its own number on its engine, from 1.
};

std::vector<Instance> unroll(const SyncProgram &program, uint32_t trips) {
  std::vector<Instance> all;
  auto append = [&](const std::vector<SyncCommand> &commands, uint32_t trip,
                    const std::string &section) {
    for (size_t i = 0; i < commands.size(); ++i)
      all.push_back({&commands[i],
                     trip,
                     &commands == &program.epilogue,
                     section + " " + std::to_string(i) + " trip " + std::to_string(trip),
                     {},
                     0});
  };
  append(program.prologue, 0, "prologue");
  for (uint32_t trip = 0; trip < trips; ++trip)
    append(program.body, trip, "body");
  append(program.epilogue, trips, "epilogue");
  return all;
}

bool conflict(const SyncCommand &a, const SyncCommand &b) {
  for (const SyncAccess &x : a.accesses)
    for (const SyncAccess &y : b.accesses)
      if ((x.isWrite || y.isWrite) && x.begin < y.end && y.begin < x.end)
        return true;
  return false;
}

/// Happens-before of an unrolled program, by vector clocks.
class Clocks {
public:
  Clocks(const SyncProgram &program, uint32_t trips)
      : program(program), skipped(program.trips - trips), before(program.engines),
        perTrip(program.engines), lists(program.engines) {
    for (const SyncCommand &command : program.prologue)
      ++before[command.engine];
    for (const SyncCommand &command : program.body)
      ++perTrip[command.engine];
  }

  /// Gives `instance` its clock. Instances come in program order and stay where they are.
  void issue(Instance &instance, std::vector<std::string> &problems) {
    std::vector<const Instance *> &list = lists[instance.command->engine];
    instance.clock.assign(program.engines, 0);
    if (!list.empty())
      instance.clock = list.back()->clock;
    for (const SyncWait &wait : instance.command->waits) {
      int64_t value = valueOf(wait, instance);
      if (value > int64_t(lists[wait.engine].size())) {
        problems.push_back(instance.name + " waits for command " + std::to_string(value) +
                           " of engine " + std::to_string(wait.engine) +
                           ", which comes later in program order");
        continue;
      }
      if (value <= 0)
        continue;
      const std::vector<int64_t> &other = lists[wait.engine][value - 1]->clock;
      for (uint32_t engine = 0; engine < program.engines; ++engine)
        instance.clock[engine] = std::max(instance.clock[engine], other[engine]);
    }
    list.push_back(&instance);
    instance.index = int64_t(list.size());
    instance.clock[instance.command->engine] = instance.index;
  }

private:
  /// Trips that were not unrolled are the first ones: what the epilogue waits for counts from the
  /// loop's end, or lies in the prologue.
  int64_t valueOf(const SyncWait &wait, const Instance &instance) const {
    if (!instance.isEpilogue)
      return wait.value + wait.perTrip * instance.trip;
    return std::max(wait.value - perTrip[wait.engine] * skipped,
                    std::min(wait.value, before[wait.engine]));
  }

  const SyncProgram &program;
  int64_t skipped;
  std::vector<int64_t> before, perTrip; ///< Commands of each engine.
  std::vector<std::vector<const Instance *>> lists;
};

} // namespace

std::vector<std::string> checkSynchronization(const SyncProgram &program, uint32_t maxTrips) {
  std::vector<std::string> problems;
  uint32_t trips = std::min(program.trips, maxTrips);
  std::vector<Instance> all = unroll(program, trips);
  Clocks clocks(program, trips);
  for (Instance &instance : all)
    clocks.issue(instance, problems);
  for (size_t later = 0; later < all.size(); ++later)
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const Instance &a = all[earlier], &b = all[later];
      if (a.command->engine != b.command->engine && b.clock[a.command->engine] < a.index &&
          conflict(*a.command, *b.command))
        problems.push_back(b.name + " is not ordered after " + a.name +
                           ", which touches the same bytes");
    }
  return problems;
}

} // namespace llmc::passes
