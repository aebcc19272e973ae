// Waits of random programs, judged twice: by checkSynchronization, and by reachability over the
// unrolled program.
#include "passes/Algorithms/Synchronization.h"

#include "catch2/catch.hpp"

#include <algorithm>
#include <random>

using namespace llmc::passes;

namespace {

constexpr uint32_t kEngines = 4;
constexpr uint64_t kBytes = 640;

std::vector<SyncCommand> randomCommands(std::mt19937 &random, uint32_t count) {
  std::vector<SyncCommand> commands(count);
  for (SyncCommand &command : commands) {
    command.engine = random() % kEngines;
    for (uint32_t i = 0; i < 1 + random() % 2; ++i) {
      uint64_t begin = random() % (kBytes - 64);
      command.accesses.push_back({begin, begin + 1 + random() % 60, random() % 2 == 0});
    }
  }
  return commands;
}

SyncProgram randomProgram(uint32_t seed) {
  std::mt19937 random(seed);
  SyncProgram program;
  program.engines = kEngines;
  program.trips = 1 + random() % 7;
  program.prologue = randomCommands(random, random() % 8);
  program.body = randomCommands(random, 1 + random() % 12);
  program.epilogue = randomCommands(random, random() % 8);
  return program;
}

/// One command of the unrolled program.
struct Node {
  const SyncCommand *command;
  uint32_t trip;

  int64_t valueOf(const SyncWait &wait) const { return wait.value + wait.perTrip * int64_t(trip); }
};

std::vector<Node> unroll(const SyncProgram &program) {
  std::vector<Node> nodes;
  for (const SyncCommand &command : program.prologue)
    nodes.push_back({&command, 0});
  for (uint32_t trip = 0; trip < program.trips; ++trip)
    for (const SyncCommand &command : program.body)
      nodes.push_back({&command, trip});
  for (const SyncCommand &command : program.epilogue)
    nodes.push_back({&command, 0});
  return nodes;
}

bool conflict(const SyncCommand &a, const SyncCommand &b) {
  for (const SyncAccess &x : a.accesses)
    for (const SyncAccess &y : b.accesses)
      if ((x.isWrite || y.isWrite) && std::max(x.begin, y.begin) < std::min(x.end, y.end))
        return true;
  return false;
}

/// Whether waits and lists order every conflicting pair of different engines.
bool isOrdered(const SyncProgram &program) {
  std::vector<Node> nodes = unroll(program);
  std::vector<std::vector<size_t>> lists(program.engines);
  std::vector<std::vector<bool>> before(nodes.size(), std::vector<bool>(nodes.size()));
  for (size_t i = 0; i < nodes.size(); ++i) {
    auto after = [&](size_t j) {
      before[i][j] = true;
      for (size_t k = 0; k < j; ++k)
        before[i][k] = before[i][k] || before[j][k];
    };
    std::vector<size_t> &own = lists[nodes[i].command->engine];
    if (!own.empty())
      after(own.back());
    for (const SyncWait &wait : nodes[i].command->waits) {
      int64_t value = nodes[i].valueOf(wait);
      if (value > int64_t(lists[wait.engine].size()))
        return false; // for a command that comes later
      if (value > 0)
        after(lists[wait.engine][value - 1]);
    }
    own.push_back(i);
    for (size_t j = 0; j < i; ++j)
      if (nodes[i].command->engine != nodes[j].command->engine &&
          conflict(*nodes[i].command, *nodes[j].command) && !before[i][j])
        return false;
  }
  return true;
}

/// Runs the lists with engines in random turns; true where all end.
bool runsToItsEnd(const SyncProgram &program, uint32_t seed) {
  std::vector<Node> nodes = unroll(program);
  std::vector<std::vector<Node>> lists(program.engines);
  for (const Node &node : nodes)
    lists[node.command->engine].push_back(node);
  std::vector<int64_t> retired(program.engines);
  std::mt19937 random(seed);
  for (size_t left = nodes.size(); left > 0; --left) {
    std::vector<uint32_t> ready;
    for (uint32_t engine = 0; engine < program.engines; ++engine) {
      if (retired[engine] == int64_t(lists[engine].size()))
        continue;
      const Node &next = lists[engine][retired[engine]];
      if (std::all_of(next.command->waits.begin(), next.command->waits.end(),
                      [&](const SyncWait &w) { return next.valueOf(w) <= retired[w.engine]; }))
        ready.push_back(engine);
    }
    if (ready.empty())
      return false;
    ++retired[ready[random() % ready.size()]];
  }
  return true;
}

SyncCommand command(uint32_t engine, std::vector<SyncAccess> accesses) {
  return {engine, std::move(accesses), {}};
}

} // namespace

TEST_CASE("random programs keep their order and end") {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SyncProgram program = randomProgram(seed);
    synchronize(program, kBytes);
    INFO("seed " << seed);
    CHECK(checkSynchronization(program).empty());
    CHECK(checkSynchronization(program, program.trips).empty());
    CHECK(isOrdered(program));
    CHECK(runsToItsEnd(program, seed));
  }
}

TEST_CASE("each command waits once for an engine, and never for its own") {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SyncProgram program = randomProgram(seed);
    synchronize(program, kBytes);
    for (const Node &node : unroll(program)) {
      uint32_t seen = 1u << node.command->engine;
      for (const SyncWait &wait : node.command->waits) {
        CHECK((seen >> wait.engine & 1) == 0);
        seen |= 1u << wait.engine;
      }
    }
  }
}

TEST_CASE("the judge misses no dropped or weakened wait that mattered") {
  uint32_t found = 0, implied = 0;
  for (uint32_t seed = 0; seed < 120; ++seed) {
    SyncProgram program = randomProgram(seed);
    synchronize(program, kBytes);
    for (std::vector<SyncCommand> *commands : {&program.prologue, &program.body, &program.epilogue})
      for (SyncCommand &mutated : *commands)
        for (size_t i = 0; i < mutated.waits.size(); ++i)
          for (bool drop : {true, false}) {
            std::vector<SyncWait> waits = mutated.waits;
            if (drop)
              mutated.waits.erase(mutated.waits.begin() + i);
            else
              --mutated.waits[i].value;
            bool isRight = isOrdered(program);
            INFO("seed " << seed << " wait " << i << (drop ? " dropped" : " weakened"));
            CHECK(checkSynchronization(program, program.trips).empty() == isRight);
            CHECK(checkSynchronization(program).empty() == isRight);
            ++(isRight ? implied : found);
            mutated.waits = waits;
          }
  }
  CHECK(found > 1000);
  CHECK(implied > 10);
}

TEST_CASE("the judge names a wait for what comes later") {
  SyncProgram program;
  program.engines = 2;
  program.prologue = {command(0, {}), command(1, {})};
  program.prologue[0].waits = {{1, 1, 0}};
  REQUIRE(checkSynchronization(program).size() == 1);
  CHECK(checkSynchronization(program)[0] == "prologue 0 trip 0 waits for command 1 of engine 1, "
                                            "which comes later in program order");
}

TEST_CASE("the judge names a pair that is not ordered") {
  SyncProgram program;
  program.engines = 2;
  program.prologue = {command(0, {{0, 16, true}})};
  program.epilogue = {command(1, {{8, 9, false}})};
  REQUIRE(checkSynchronization(program).size() == 1);
  CHECK(checkSynchronization(program)[0] ==
        "epilogue 0 trip 0 is not ordered after prologue 0 trip 0, which touches the same bytes");
}

TEST_CASE("a need of the prologue is constant, one of the loop grows with the trip") {
  SyncProgram program;
  program.engines = 3;
  program.trips = 5;
  program.prologue = {command(0, {{0, 16, true}})};
  // Reads what the prologue wrote; then a load into a place that its reader used a trip ago.
  program.body = {command(1, {{0, 16, false}}), command(0, {{32, 48, true}}),
                  command(2, {{32, 48, false}}), command(2, {})};
  synchronize(program, 64);
  CHECK(program.body[0].waits == std::vector<SyncWait>{{0, 1, 0}});
  CHECK(program.body[1].waits == std::vector<SyncWait>{{2, -1, 2}}); // none in trip 0
  CHECK(program.body[2].waits == std::vector<SyncWait>{{0, 2, 1}});
  CHECK(program.body[3].waits.empty());
}

TEST_CASE("the epilogue counts every trip") {
  for (uint32_t trips : {1u, 2u, 3u, 30u}) {
    SyncProgram program;
    program.engines = 2;
    program.trips = trips;
    program.body = {command(0, {{0, 16, true}}), command(0, {{16, 32, true}})};
    program.epilogue = {command(1, {{0, 16, false}})};
    synchronize(program, 32);
    CHECK(program.epilogue[0].waits == std::vector<SyncWait>{{0, 2 * int64_t(trips) - 1, 0}});
  }
}
