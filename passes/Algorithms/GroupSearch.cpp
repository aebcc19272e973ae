#include "passes/Algorithms/GroupSearch.h"

#include <algorithm>
#include <utility>

namespace llmc::passes {
namespace {

/// The cheapest way to group the operations before some point.
struct Prefix {
  uint64_t cost = kTooCostly;
  uint32_t groups = 0;
  OpGroup last;
};

uint64_t saturatingAdd(uint64_t a, uint64_t b) { return a > kTooCostly - b ? kTooCostly : a + b; }

bool better(uint64_t cost, uint32_t groups, const Prefix &than) {
  return std::make_pair(cost, groups) < std::make_pair(than.cost, than.groups);
}

/// Tries every group that begins at `begin` as the next of the best prefix that ends there.
void extend(const GroupProblem &problem, std::vector<Prefix> &prefixes, uint32_t begin) {
  const Prefix &before = prefixes[begin];
  for (uint32_t end = begin + 1; end <= problem.numOps; ++end) {
    uint64_t footprint = problem.footprint(OpIdx{begin}, OpIdx{end});
    if (footprint > problem.capacity) {
      if (problem.footprintGrows)
        return;
      continue;
    }
    uint64_t cost = problem.cost(OpIdx{begin}, OpIdx{end});
    uint64_t total = saturatingAdd(before.cost, cost);
    if (total != kTooCostly && better(total, before.groups + 1, prefixes[end]))
      prefixes[end] = {total, before.groups + 1, {OpIdx{begin}, OpIdx{end}, footprint, cost}};
  }
}

GroupPlan failure(const GroupProblem &problem, const std::vector<Prefix> &prefixes) {
  // The longest prefix that can be grouped: no group starts from there or before and gets further.
  uint32_t reached = problem.numOps;
  while (prefixes[reached].cost == kTooCostly)
    --reached;
  GroupPlan plan;
  plan.blame = OpIdx{reached};
  uint64_t alone = problem.footprint(OpIdx{reached}, OpIdx{reached + 1});
  if (alone > problem.capacity)
    plan.error = "operation " + std::to_string(reached) + " alone needs " + std::to_string(alone) +
                 " bytes, the memory has " + std::to_string(problem.capacity);
  else
    plan.error = "no group that holds operation " + std::to_string(reached) + " is allowed";
  return plan;
}

} // namespace

GroupPlan searchGroups(const GroupProblem &problem) {
  std::vector<Prefix> prefixes(problem.numOps + 1);
  prefixes[0].cost = 0;
  for (uint32_t begin = 0; begin < problem.numOps; ++begin)
    if (prefixes[begin].cost != kTooCostly)
      extend(problem, prefixes, begin);

  if (prefixes[problem.numOps].cost == kTooCostly)
    return failure(problem, prefixes);
  GroupPlan plan;
  plan.cost = prefixes[problem.numOps].cost;
  for (uint32_t end = problem.numOps; end > 0; end = plan.groups.back().begin.value)
    plan.groups.push_back(prefixes[end].last);
  std::reverse(plan.groups.begin(), plan.groups.end());
  return plan;
}

std::string checkLiveValues(const std::vector<LiveValue> &values, uint32_t numOps) {
  for (size_t i = 0; i < values.size(); ++i) {
    const LiveValue &value = values[i];
    std::string name = "value " + std::to_string(i);
    OpIdx before = value.producer;
    for (OpIdx use : value.uses) {
      if (numOps <= use.value)
        return name + " is used by operation " + std::to_string(use.value) + " of " +
               std::to_string(numOps);
      if (value.producer != OpIdx{} && use <= value.producer)
        return name + " is used by operation " + std::to_string(use.value) + ", its producer is " +
               std::to_string(value.producer.value);
      if (before != OpIdx{} && use <= before)
        return "the uses of " + name + " do not ascend";
      before = use;
    }
  }
  return "";
}

LiveValueModel::LiveValueModel(std::vector<LiveValue> values, std::vector<uint64_t> scratch)
    : values(std::move(values)), scratch(std::move(scratch)) {}

LiveValueModel::Presence LiveValueModel::presence(const LiveValue &value, OpIdx begin,
                                                  OpIdx end) const {
  Presence presence;
  auto inside = [&](OpIdx op) { return begin <= op && op < end; };
  bool produced = inside(value.producer);
  presence.first = value.producer.value;
  presence.last = value.producer.value;
  for (OpIdx use : value.uses) {
    if (!inside(use))
      continue;
    if (!produced && !presence.loaded) {
      presence.loaded = true;
      presence.first = use.value;
    }
    presence.last = use.value;
  }
  presence.stored = produced && (value.leaves || (!value.uses.empty() && end <= value.uses.back()));
  presence.touched = produced || presence.loaded;
  return presence;
}

uint64_t LiveValueModel::footprint(OpIdx begin, OpIdx end) const {
  // Changes of the live bytes at each operation; unsigned wrap-around cancels out in the running
  // sum.
  std::vector<uint64_t> change(end.value - begin.value + 1, 0);
  for (const LiveValue &value : values) {
    Presence at = presence(value, begin, end);
    if (!at.touched)
      continue;
    change[at.first - begin.value] += value.bytes;
    change[at.last + 1 - begin.value] -= value.bytes;
  }
  uint64_t live = 0, peak = 0;
  for (uint32_t op = begin.value; op < end.value; ++op) {
    live += change[op - begin.value];
    peak = std::max(peak, live + scratch[op]);
  }
  return peak;
}

uint64_t LiveValueModel::loadedBytes(OpIdx begin, OpIdx end) const {
  uint64_t bytes = 0;
  for (const LiveValue &value : values)
    bytes += presence(value, begin, end).loaded ? value.bytes : 0;
  return bytes;
}

uint64_t LiveValueModel::storedBytes(OpIdx begin, OpIdx end) const {
  uint64_t bytes = 0;
  for (const LiveValue &value : values)
    bytes += presence(value, begin, end).stored ? value.bytes : 0;
  return bytes;
}

GroupProblem LiveValueModel::problem(uint64_t capacity) const {
  GroupProblem problem;
  problem.numOps = uint32_t(scratch.size());
  problem.capacity = capacity;
  problem.footprint = [this](OpIdx begin, OpIdx end) { return footprint(begin, end); };
  problem.cost = [this](OpIdx begin, OpIdx end) {
    return loadedBytes(begin, end) + storedBytes(begin, end);
  };
  return problem;
}

} // namespace llmc::passes
