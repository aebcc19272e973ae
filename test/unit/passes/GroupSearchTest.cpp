#include "passes/Algorithms/GroupSearch.h"

#include "catch2/catch.hpp"

#include <random>

using namespace llmc::passes;

namespace {

/// A random program: every operation produces a value, uses some earlier ones and some of three
/// outside values.
LiveValueModel randomModel(uint32_t seed, uint32_t numOps) {
  std::mt19937 random(seed);
  std::vector<LiveValue> values(numOps + 3);
  for (LiveValue &value : values) {
    value.bytes = 1 + random() % 30;
    value.leaves = random() % 6 == 0;
  }
  for (uint32_t op = 0; op < numOps; ++op)
    values[op].producer = OpIdx{op};
  for (uint32_t op = 0; op < numOps; ++op) {
    for (LiveValue &value : values)
      if ((!(OpIdx{op} <= value.producer) || value.producer == OpIdx{}) && random() % 4 == 0)
        value.uses.push_back(OpIdx{op});
  }
  std::vector<uint64_t> scratch(numOps);
  for (uint64_t &bytes : scratch)
    bytes = random() % 10;
  return LiveValueModel(std::move(values), std::move(scratch));
}

/// The smallest cost over all 2^(n-1) cuts.
uint64_t exhaustiveCost(const GroupProblem &problem) {
  uint64_t best = kTooCostly;
  for (uint32_t cuts = 0; cuts < 1u << (problem.numOps - 1); ++cuts) {
    uint64_t total = 0;
    uint32_t begin = 0;
    bool allowed = true;
    for (uint32_t end = 1; end <= problem.numOps; ++end) {
      if (end < problem.numOps && !(cuts >> (end - 1) & 1))
        continue;
      uint64_t cost = problem.cost(OpIdx{begin}, OpIdx{end});
      allowed &=
          cost != kTooCostly && problem.footprint(OpIdx{begin}, OpIdx{end}) <= problem.capacity;
      total += allowed ? cost : 0;
      begin = end;
    }
    if (allowed)
      best = std::min(best, total);
  }
  return best;
}

void requireSound(const GroupProblem &problem, const GroupPlan &plan) {
  OpIdx next{0};
  uint64_t cost = 0;
  for (const OpGroup &group : plan.groups) {
    REQUIRE(group.begin == next);
    REQUIRE(group.begin < group.end);
    REQUIRE(group.footprint == problem.footprint(group.begin, group.end));
    REQUIRE(group.footprint <= problem.capacity);
    cost += problem.cost(group.begin, group.end);
    next = group.end;
  }
  REQUIRE(next == OpIdx{problem.numOps});
  REQUIRE(plan.cost == cost);
}

/// Follows one group operation by operation with a set of resident values: what a machine would do.
struct Residency {
  uint64_t peak = 0, loaded = 0, stored = 0;
};

Residency follow(const std::vector<LiveValue> &values, const std::vector<uint64_t> &scratch,
                 uint32_t begin, uint32_t end) {
  Residency result;
  std::vector<bool> resident(values.size(), false);
  for (uint32_t op = begin; op < end; ++op) {
    uint64_t bytes = scratch[op];
    auto uses = [&](const LiveValue &value, uint32_t from, uint32_t to) {
      for (OpIdx use : value.uses)
        if (from <= use.value && use.value < to)
          return true;
      return false;
    };
    for (size_t v = 0; v < values.size(); ++v) {
      const LiveValue &value = values[v];
      if (value.producer == OpIdx{op}) {
        resident[v] = true;
        result.stored += value.leaves || uses(value, end, UINT32_MAX) ? value.bytes : 0;
      } else if (uses(value, op, op + 1) && !resident[v]) {
        resident[v] = true;
        result.loaded += value.bytes;
      }
      bytes += resident[v] ? value.bytes : 0;
      if (resident[v] && !uses(value, op + 1, end))
        resident[v] = false;
    }
    result.peak = std::max(result.peak, bytes);
  }
  return result;
}

} // namespace

TEST_CASE("the search equals trying every cut") {
  uint32_t seed = GENERATE(range(0u, 60u));
  LiveValueModel model = randomModel(seed, 1 + seed % 10);
  for (uint64_t capacity : {20, 60, 100, 150, 1000}) {
    GroupProblem problem = model.problem(capacity);
    uint64_t expected = exhaustiveCost(problem);
    GroupPlan plan = searchGroups(problem);
    if (expected == kTooCostly) {
      CHECK(plan.groups.empty());
      REQUIRE(plan.error != "");
      CHECK(problem.footprint(plan.blame, OpIdx{plan.blame.value + 1}) > capacity);
    } else {
      requireSound(problem, plan);
      CHECK(plan.cost == expected);
    }
  }
}

TEST_CASE("arbitrary costs and footprints are searched exactly") {
  uint32_t seed = GENERATE(range(0u, 40u));
  std::mt19937 random(seed);
  uint32_t numOps = 2 + seed % 9;
  std::vector<uint64_t> costs(100), footprints(100);
  for (size_t i = 0; i < costs.size(); ++i) {
    costs[i] = random() % 8 == 0 ? kTooCostly : random() % 50;
    footprints[i] = random() % 100;
  }
  GroupProblem problem;
  problem.numOps = numOps;
  problem.capacity = 80;
  problem.footprintGrows = false;
  auto at = [](OpIdx begin, OpIdx end) { return (begin.value * 11 + end.value * 7) % 100; };
  problem.cost = [&](OpIdx begin, OpIdx end) { return costs[at(begin, end)]; };
  problem.footprint = [&](OpIdx begin, OpIdx end) { return footprints[at(begin, end)]; };
  uint64_t expected = exhaustiveCost(problem);
  GroupPlan plan = searchGroups(problem);
  if (expected == kTooCostly) {
    CHECK(plan.error != "");
  } else {
    requireSound(problem, plan);
    CHECK(plan.cost == expected);
  }
}

TEST_CASE("footprint and traffic of a group equal those of following it") {
  uint32_t seed = GENERATE(range(0u, 30u));
  std::mt19937 random(seed);
  uint32_t numOps = 8;
  std::vector<LiveValue> values(11);
  for (uint32_t v = 0; v < values.size(); ++v) {
    values[v].bytes = 1 + random() % 30;
    values[v].leaves = random() % 5 == 0;
    if (v < numOps)
      values[v].producer = OpIdx{v};
    for (uint32_t op = v < numOps ? v + 1 : 0; op < numOps; ++op)
      if (random() % 3 == 0)
        values[v].uses.push_back(OpIdx{op});
  }
  std::vector<uint64_t> scratch(numOps, 5);
  LiveValueModel model(values, scratch);
  for (uint32_t begin = 0; begin < numOps; ++begin)
    for (uint32_t end = begin + 1; end <= numOps; ++end) {
      Residency expected = follow(values, scratch, begin, end);
      CHECK(model.footprint(OpIdx{begin}, OpIdx{end}) == expected.peak);
      CHECK(model.loadedBytes(OpIdx{begin}, OpIdx{end}) == expected.loaded);
      CHECK(model.storedBytes(OpIdx{begin}, OpIdx{end}) == expected.stored);
    }
}

TEST_CASE("everything that fits together becomes one group") {
  LiveValueModel model = randomModel(3, 10);
  GroupPlan plan = searchGroups(model.problem(1 << 20));
  REQUIRE(plan.groups.size() == 1);
  CHECK(plan.groups[0].end == OpIdx{10});
}

TEST_CASE("an operation that does not fit is named") {
  LiveValueModel model({}, {10, 50, 20});
  GroupPlan plan = searchGroups(model.problem(40));
  CHECK(plan.groups.empty());
  CHECK(plan.blame == OpIdx{1});
  CHECK(plan.error == "operation 1 alone needs 50 bytes, the memory has 40");
}

TEST_CASE("values that make no sense are errors") {
  LiveValue value;
  value.bytes = 8;
  value.producer = OpIdx{1};
  value.uses = {OpIdx{2}, OpIdx{3}};
  CHECK(checkLiveValues({value}, 4) == "");
  CHECK(checkLiveValues({value}, 3) == "value 0 is used by operation 3 of 3");
  value.uses = {OpIdx{1}};
  CHECK(checkLiveValues({value}, 4) == "value 0 is used by operation 1, its producer is 1");
  value.uses = {OpIdx{3}, OpIdx{2}};
  CHECK(checkLiveValues({value}, 4) == "the uses of value 0 do not ascend");
}

TEST_CASE("no operations are no groups") {
  LiveValueModel model({}, {});
  GroupPlan plan = searchGroups(model.problem(40));
  CHECK(plan.error == "");
  CHECK(plan.groups.empty());
  CHECK(plan.cost == 0);
}
