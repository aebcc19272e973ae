#include "passes/Algorithms/SramPlanner.h"

#include "passes/Algorithms/SramSearch.h"

#include <algorithm>
#include <functional>

namespace llmc::passes {
namespace {

/// Lets the strategies compete for the smallest peak.
class Portfolio {
public:
  Portfolio(const SramProblem &problem, const PlannerParams &params)
      : problem(problem), params(params), placer(problem) {
    plan.blame = maxLive(problem);
    plan.lowerBound = std::max(plan.blame.bytes, placer.peak(placer.fixedOnly()));
    plan.peak = UINT64_MAX;
  }

  SramPlan run() {
    if (params.greedyBySize)
      greedy(PlannerStrategy::GreedyBySize, [](const SramBuffer &b) { return -double(b.size); });
    if (params.greedyByArea)
      greedy(PlannerStrategy::GreedyByArea, [](const SramBuffer &b) {
        return -double(b.size) * double(b.last.value - b.first.value);
      });
    if (params.greedyByStart)
      greedy(PlannerStrategy::GreedyByStart,
             [](const SramBuffer &b) { return double(b.first.value); });
    if (params.hillClimb && !tight())
      climb();
    if (params.branchAndBound && !tight())
      searchExactly();
    plan.optimal |= tight();
    plan.fits = plan.peak <= problem.capacity;
    return std::move(plan);
  }

private:
  bool tight() const { return plan.peak == plan.lowerBound; }

  void offer(PlannerStrategy strategy, std::vector<uint64_t> offsets) {
    uint64_t peak = placer.peak(offsets);
    if (peak >= plan.peak)
      return;
    plan.peak = peak;
    plan.offsets = std::move(offsets);
    plan.foundBy = strategy;
  }

  std::vector<BufferIdx> orderBy(const std::function<double(const SramBuffer &)> &key) const {
    std::vector<BufferIdx> order = placer.freeBuffers();
    std::sort(order.begin(), order.end(), [&](BufferIdx a, BufferIdx b) {
      double keyA = key(placer.buffer(a)), keyB = key(placer.buffer(b));
      return keyA != keyB ? keyA < keyB : a < b;
    });
    return order;
  }

  void greedy(PlannerStrategy strategy, const std::function<double(const SramBuffer &)> &key) {
    if (tight())
      return;
    uint64_t before = plan.peak;
    std::vector<BufferIdx> order = orderBy(key);
    offer(strategy, placer.placeInOrder(order));
    if (plan.peak < before)
      bestOrder = std::move(order);
  }

  void climb() {
    if (bestOrder.empty())
      bestOrder = orderBy([](const SramBuffer &b) { return -double(b.size); });
    offer(PlannerStrategy::HillClimb, climbFromOrder(placer, bestOrder, params.hillClimbSeed,
                                                     params.hillClimbPlacements, plan.lowerBound));
  }

  void searchExactly() {
    BranchAndBoundResult result =
        branchAndBound(problem, placer, plan.peak, plan.lowerBound, params.searchPlacements);
    if (!result.offsets.empty())
      offer(PlannerStrategy::BranchAndBound, std::move(result.offsets));
    plan.optimal = result.exhausted && plan.peak != UINT64_MAX;
    // On its own and out of budget before the first complete plan: stack everything, which is
    // always a plan.
    if (plan.peak == UINT64_MAX)
      offer(PlannerStrategy::BranchAndBound, placer.placeInOrder(placer.freeBuffers()));
  }

  const SramProblem &problem;
  const PlannerParams &params;
  SramPlacer placer;
  SramPlan plan;
  std::vector<BufferIdx> bestOrder;
};

bool anyStrategy(const PlannerParams &params) {
  return params.greedyBySize || params.greedyByArea || params.greedyByStart || params.hillClimb ||
         params.branchAndBound;
}

} // namespace

const char *nameOf(PlannerStrategy strategy) {
  switch (strategy) {
  case PlannerStrategy::GreedyBySize:
    return "greedy-by-size";
  case PlannerStrategy::GreedyByArea:
    return "greedy-by-area";
  case PlannerStrategy::GreedyByStart:
    return "greedy-by-start";
  case PlannerStrategy::HillClimb:
    return "hill-climb";
  case PlannerStrategy::BranchAndBound:
    return "branch-and-bound";
  }
  return "unknown";
}

SramPlan planSram(const SramProblem &problem, const PlannerParams &params) {
  SramPlan plan;
  if (auto reason = checkProblem(problem)) {
    plan.error = *reason;
    return plan;
  }
  if (!anyStrategy(params)) {
    plan.error = "no planning strategy is enabled";
    return plan;
  }
  return Portfolio(problem, params).run();
}

std::string explainOverflow(const SramProblem &problem, const SramPlan &plan, size_t maxBuffers) {
  const LivePeak &blame = plan.blame;
  std::string text = "needs " + std::to_string(plan.peak) + " bytes, the memory has " +
                     std::to_string(problem.capacity) + "\n";
  if (blame.bytes > problem.capacity)
    text += "no placement can fit: ";
  else
    text += plan.optimal ? "proved: no placement fits, though " : "no placement was found, though ";
  text += "the fullest step, " + std::to_string(blame.step.value) + ", holds " +
          std::to_string(blame.bytes) + " live bytes in " + std::to_string(blame.buffers.size()) +
          " buffers:\n";
  for (size_t i = 0; i < std::min(maxBuffers, blame.buffers.size()); ++i) {
    const SramBuffer &buffer = problem.buffers[blame.buffers[i].value];
    text += "  " + std::to_string(buffer.size) + " bytes  " + buffer.name + ", steps " +
            std::to_string(buffer.first.value) + " to " + std::to_string(buffer.last.value - 1) +
            "\n";
  }
  if (blame.buffers.size() > maxBuffers)
    text += "  and " + std::to_string(blame.buffers.size() - maxBuffers) + " smaller ones\n";
  return text + "make the largest smaller (tiles, chunk, context), shorten its live range, or take "
                "a machine with more memory\n";
}

} // namespace llmc::passes
