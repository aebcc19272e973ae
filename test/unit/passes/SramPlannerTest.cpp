#include "passes/Algorithms/SramPlanner.h"
#include "passes/Algorithms/PlanValidator.h"
#include "passes/Algorithms/SramCsv.h"

#include "catch2/catch.hpp"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <random>
#include <sstream>

using namespace llmc::passes;

namespace {

SramBuffer makeBuffer(std::string name, uint32_t first, uint32_t last, uint64_t size,
                      uint64_t alignment = 1) {
  return {std::move(name), StepIdx{first}, StepIdx{last}, size, alignment, std::nullopt};
}

SramProblem load(const std::string &name, uint64_t capacity) {
  std::ifstream file(std::string(LLMC_TEST_DATA) + "/sram/" + name + ".csv");
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  SramCsvResult read = readSramCsv(text.str());
  REQUIRE(read.error == "");
  return {read.buffers, capacity};
}

/// Random live ranges over few steps, so that many buffers meet; some aligned, at most one fixed.
SramProblem randomProblem(uint32_t seed, uint32_t count) {
  std::mt19937 random(seed);
  SramProblem problem;
  problem.capacity = UINT32_MAX;
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t first = random() % 12;
    uint64_t alignment = uint64_t(1) << (random() % 4);
    problem.buffers.push_back(makeBuffer("b" + std::to_string(i), first, first + 1 + random() % 6,
                                         1 + random() % 40, alignment));
  }
  if (seed % 3 == 0)
    problem.buffers[0].offset = problem.buffers[0].alignment * (random() % 8);
  return problem;
}

PlannerParams paramsOf(uint32_t switches) {
  PlannerParams params;
  params.greedyBySize = switches & 1;
  params.greedyByArea = switches & 2;
  params.greedyByStart = switches & 4;
  params.hillClimb = switches & 8;
  params.branchAndBound = switches & 16;
  params.hillClimbPlacements = 4000;
  params.searchPlacements = 20'000;
  return params;
}

void requireSound(const SramProblem &problem, const SramPlan &plan) {
  REQUIRE(plan.error == "");
  REQUIRE(validatePlan(problem, plan.offsets) == std::vector<std::string>());
  uint64_t peak = 0, live = 0;
  for (size_t i = 0; i < problem.buffers.size(); ++i)
    peak = std::max(peak, plan.offsets[i] + problem.buffers[i].size);
  for (uint32_t step = 0; step < 64; ++step) {
    uint64_t bytes = 0;
    for (const SramBuffer &b : problem.buffers)
      bytes += b.first.value <= step && step < b.last.value ? b.size : 0;
    live = std::max(live, bytes);
  }
  REQUIRE(plan.peak == peak);
  REQUIRE(plan.blame.bytes == live);
  REQUIRE(plan.lowerBound >= live);
  REQUIRE(plan.peak >= plan.lowerBound);
  REQUIRE(plan.fits == (peak <= problem.capacity));
}

/// The smallest peak of all plans with offsets below `limit` that begin with `offsets`, by trying
/// every offset: for very small problems.
uint64_t exhaustivePeak(const SramProblem &problem, uint64_t limit, std::vector<uint64_t> &offsets,
                        uint64_t peak, uint64_t best) {
  if (peak >= best)
    return best;
  if (offsets.size() == problem.buffers.size())
    return peak;
  const SramBuffer &buffer = problem.buffers[offsets.size()];
  for (uint64_t offset = 0; offset + buffer.size <= limit; offset += buffer.alignment) {
    if (buffer.offset && *buffer.offset != offset)
      continue;
    bool free = true;
    for (size_t i = 0; i < offsets.size(); ++i)
      free &= !liveTogether(problem.buffers[i], buffer) ||
              offsets[i] + problem.buffers[i].size <= offset || offset + buffer.size <= offsets[i];
    if (!free)
      continue;
    offsets.push_back(offset);
    best = exhaustivePeak(problem, limit, offsets, std::max(peak, offset + buffer.size), best);
    offsets.pop_back();
  }
  return best;
}

} // namespace

TEST_CASE("every combination of strategies yields a sound plan") {
  uint32_t switches = GENERATE(range(1u, 32u));
  for (uint32_t seed = 0; seed < 30; ++seed) {
    SramProblem problem = randomProblem(seed, 2 + seed);
    requireSound(problem, planSram(problem, paramsOf(switches)));
  }
}

TEST_CASE("every combination of strategies solves the kept instances") {
  uint32_t switches = GENERATE(range(1u, 32u));
  std::string name = GENERATE("staircase", "aligned", "fixed", "double-buffer", "inclusive-ends");
  SramProblem problem = load(name, UINT32_MAX);
  requireSound(problem, planSram(problem, paramsOf(switches)));
}

TEST_CASE("the whole portfolio finds the known optimum of the kept instances") {
  auto [name, optimum] = GENERATE(table<std::string, uint64_t>({{"staircase", 24},
                                                                {"aligned", 286},
                                                                {"fixed", 224},
                                                                {"double-buffer", 22016},
                                                                {"inclusive-ends", 12}}));
  SramPlan plan = planSram(load(name, UINT32_MAX));
  CAPTURE(name, plan.lowerBound, nameOf(plan.foundBy));
  CHECK(plan.peak == optimum);
  CHECK(plan.optimal);
}

TEST_CASE("branch and bound equals trying every offset") {
  uint32_t seed = GENERATE(range(0u, 60u));
  std::mt19937 random(seed);
  SramProblem problem;
  for (uint32_t i = 0; i < 5; ++i) {
    uint32_t first = random() % 5;
    problem.buffers.push_back(makeBuffer("b" + std::to_string(i), first, first + 1 + random() % 3,
                                         1 + random() % 6, 1 + random() % 3));
  }
  if (seed % 2)
    problem.buffers[2].offset = problem.buffers[2].alignment * (random() % 4);
  problem.capacity = 64;

  std::vector<uint64_t> offsets;
  uint64_t expected = exhaustivePeak(problem, 30, offsets, 0, 31);
  SramPlan plan = planSram(problem, paramsOf(16));
  requireSound(problem, plan);
  CHECK(plan.optimal);
  CHECK(plan.peak == expected);
}

TEST_CASE("planning repeats exactly") {
  SramProblem problem = randomProblem(7, 60);
  SramPlan first = planSram(problem), second = planSram(problem);
  CHECK(first.offsets == second.offsets);
  CHECK(first.foundBy == second.foundBy);
}

TEST_CASE("the switched-off portfolio and malformed problems are errors") {
  SramProblem problem{{makeBuffer("a", 0, 1, 4)}, 16};
  CHECK(planSram(problem, paramsOf(0)).error == "no planning strategy is enabled");
  problem.buffers[0].last = StepIdx{0};
  CHECK(planSram(problem).error == "buffer \"a\" has the empty live range [0, 0)");
  problem.buffers[0] = makeBuffer("a", 0, 1, 0);
  CHECK(planSram(problem).error.find("size of 0 bytes") != std::string::npos);
  problem.buffers[0] = makeBuffer("a", 0, 1, 4, 0);
  CHECK(planSram(problem).error.find("alignment of 0") != std::string::npos);
  problem.buffers[0] = makeBuffer("a", 0, 1, 4, 8);
  problem.buffers[0].offset = 4;
  CHECK(planSram(problem).error.find("no multiple of its alignment") != std::string::npos);
  problem.buffers = {makeBuffer("a", 0, 2, 4), makeBuffer("b", 1, 3, 4)};
  problem.buffers[0].offset = 0;
  problem.buffers[1].offset = 3;
  CHECK(planSram(problem).error ==
        "buffer \"a\" and buffer \"b\" are fixed at overlapping offsets and live together");
  problem.buffers = {makeBuffer("a", 0, 2, uint64_t(1) << 56), makeBuffer("b", 1, 3, 4)};
  CHECK(planSram(problem).error.find("sum to more than") != std::string::npos);
}

TEST_CASE("no buffers need no memory") {
  SramPlan plan = planSram({{}, 0});
  CHECK(plan.error == "");
  CHECK(plan.peak == 0);
  CHECK(plan.fits);
}

TEST_CASE("an overflow names the fullest step and its largest buffers") {
  SramProblem problem{{makeBuffer("small", 0, 9, 10), makeBuffer("large", 3, 5, 80),
                       makeBuffer("medium", 4, 7, 30)},
                      100};
  SramPlan plan = planSram(problem);
  CHECK_FALSE(plan.fits);
  CHECK(plan.optimal);
  CHECK(plan.blame.step == StepIdx{4});
  CHECK(plan.blame.bytes == 120);
  REQUIRE(plan.blame.buffers.size() == 3);
  CHECK(plan.blame.buffers[0] == BufferIdx{1});
  CHECK(plan.blame.buffers[1] == BufferIdx{2});
  std::string text = explainOverflow(problem, plan, 2);
  CHECK(text.find("needs 120 bytes, the memory has 100") == 0);
  CHECK(text.find("the fullest step, 4, holds 120 live bytes in 3 buffers") != std::string::npos);
  CHECK(text.find("80 bytes  large, steps 3 to 4") != std::string::npos);
  CHECK(text.find("and 1 smaller ones") != std::string::npos);
}

TEST_CASE("the validator reports each kind of broken plan") {
  SramProblem problem{{makeBuffer("a", 0, 2, 8, 4), makeBuffer("b", 1, 3, 8, 4)}, 16};
  auto only = [&](std::vector<uint64_t> offsets) {
    std::vector<std::string> broken = validatePlan(problem, offsets);
    return broken.size() == 1 ? broken[0] : std::to_string(broken.size()) + " broken rules";
  };
  CHECK(validatePlan(problem, {0, 8}).empty());
  CHECK(only({0, 4}) == "buffer \"a\" at offset 0 overlaps buffer \"b\" at offset 4");
  CHECK(only({0, 12}) == "buffer \"b\" at offset 12 of 8 bytes exceeds the capacity of 16");
  CHECK(only({0}) == "the plan has 1 offsets for 2 buffers");
  problem.capacity = 32;
  CHECK(only({0, 10}) == "buffer \"b\" at offset 10 is not aligned to 4");
  problem.buffers[1].offset = 8;
  CHECK(only({0, 12}) == "buffer \"b\" at offset 12 is fixed at offset 8");
  problem.buffers[1] = makeBuffer("b", 2, 3, 8, 4);
  CHECK(validatePlan(problem, {0, 0}).empty());
}
