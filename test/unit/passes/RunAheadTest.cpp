// Plans whose transfers run ahead, against the quadratic validator.
#include "passes/Algorithms/RunAhead.h"
#include "passes/Algorithms/PlanValidator.h"

#include "catch2/catch.hpp"

#include <algorithm>
#include <random>

using namespace llmc::passes;

namespace {

SramBuffer makeBuffer(uint32_t first, uint32_t last, uint64_t size) {
  return {"b" + std::to_string(first), StepIdx{first}, StepIdx{last}, size, 64, std::nullopt};
}

/// Buffer i lives in step i alone; its window is the whole program.
SramProblem oneEachStep(uint32_t steps, uint64_t capacity) {
  SramProblem problem;
  problem.capacity = capacity;
  for (uint32_t step = 0; step < steps; ++step)
    problem.buffers.push_back(makeBuffer(step, step + 1, 64));
  return problem;
}

std::vector<Window> wholeProgram(const SramProblem &problem, uint32_t steps) {
  return std::vector<Window>(problem.buffers.size(), {StepIdx{0}, StepIdx{steps}});
}

RunAheadPlan plan(const SramProblem &problem, const std::vector<Window> &windows) {
  SramPlan need = planSram(problem);
  REQUIRE(need.fits);
  RunAheadPlan ahead = planRunAhead(problem, windows, need);
  REQUIRE(validatePlan(problem, ahead.offsets) == std::vector<std::string>());
  REQUIRE(ahead.peak <= problem.capacity);
  REQUIRE(ahead.held >= need.blame.bytes);
  REQUIRE(ahead.held <= ahead.peak);
  return ahead;
}

/// The most neighbours in order of steps that lie apart from each other, everywhere.
uint32_t apartEverywhere(const std::vector<uint64_t> &offsets) {
  uint32_t nearest = uint32_t(offsets.size());
  for (uint32_t i = 0; i < offsets.size(); ++i)
    for (uint32_t j = 0; j < i; ++j)
      if (offsets[i] == offsets[j])
        nearest = std::min(nearest, i - j);
  return nearest;
}

} // namespace

TEST_CASE("transfers run ahead as far as the memory is large") {
  auto slots = GENERATE(1u, 2u, 3u, 5u, 8u, 12u);
  SramProblem problem = oneEachStep(12, slots * 64);
  RunAheadPlan ahead = plan(problem, wholeProgram(problem, 12));
  CHECK(ahead.peak == slots * 64);
  CHECK(ahead.held == slots * 64);
  CHECK(apartEverywhere(ahead.offsets) == slots);
}

TEST_CASE("bytes that another buffer leaves dead are used") {
  SramProblem problem;
  problem.capacity = 128;
  problem.buffers = {makeBuffer(0, 2, 128), makeBuffer(3, 4, 64), makeBuffer(4, 5, 64)};
  std::vector<Window> windows = {
      {StepIdx{0}, StepIdx{2}}, {StepIdx{0}, StepIdx{5}}, {StepIdx{0}, StepIdx{5}}};
  RunAheadPlan ahead = plan(problem, windows);
  CHECK(ahead.offsets[1] != ahead.offsets[2]);
  problem.capacity = 256;
  ahead = plan(problem, windows);
  CHECK(ahead.peak == 256);
  CHECK(std::min(ahead.offsets[1], ahead.offsets[2]) >= 128);
}

TEST_CASE("with a whole window nobody follows a buffer either") {
  SramProblem problem;
  problem.capacity = 128;
  problem.buffers = {makeBuffer(0, 1, 64), makeBuffer(2, 4, 64)};
  RunAheadPlan ahead = plan(problem, {{StepIdx{0}, StepIdx{4}}, {StepIdx{2}, StepIdx{4}}});
  CHECK(ahead.offsets[0] != ahead.offsets[1]);
}

TEST_CASE("a buffer whose window is its live range gives way to nothing") {
  SramProblem problem = oneEachStep(4, 256);
  std::vector<Window> windows;
  for (const SramBuffer &buffer : problem.buffers)
    windows.push_back({buffer.first, buffer.last});
  CHECK(plan(problem, windows).peak == 64);
}

TEST_CASE("what fits without running ahead is planned in any capacity from there on") {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    SramProblem problem;
    const uint32_t steps = 20;
    for (uint32_t i = 0, count = 1 + random() % 24; i < count; ++i) {
      uint32_t first = random() % steps;
      problem.buffers.push_back(makeBuffer(
          first, std::min<uint32_t>(steps, first + 1 + random() % 6), 64 * (1 + random() % 9)));
    }
    problem.capacity = UINT32_MAX;
    uint64_t need = planSram(problem).peak;
    for (uint64_t more : {0, 64, 640, 64000}) {
      problem.capacity = need + more;
      plan(problem, wholeProgram(problem, steps));
    }
  }
}

TEST_CASE("nothing to place") {
  SramProblem problem;
  RunAheadPlan ahead = plan(problem, {});
  CHECK(ahead.offsets.empty());
  CHECK(ahead.peak == 0);
}
