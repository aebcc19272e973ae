#include "passes/Algorithms/SramSearch.h"

#include <algorithm>
#include <random>

namespace llmc::passes {
namespace {

/// The tree of branch and bound: along a path, free buffers are placed at non-decreasing offsets,
/// each as low as it goes. That loses nothing: take an optimal plan whose offsets have the smallest
/// sum and order it by offset. No buffer can sink, and none above it can be what holds it, so each
/// lies where first fit over its predecessors and the fixed buffers puts it.
class Tree {
public:
  Tree(const SramProblem &problem, const SramPlacer &placer, uint64_t peak, uint64_t target,
       uint64_t placements)
      : placer(placer), target(target), placementsLeft(placements), bestPeak(peak),
        offsets(placer.fixedOnly()), fixedPeak(placer.peak(offsets)) {
    buildSections(problem);
  }

  BranchAndBoundResult search() {
    BranchAndBoundResult result;
    if (fixedPeak < bestPeak)
      visit(0, BufferIdx{0}, placer.freeBuffers().size());
    result.offsets = std::move(best);
    result.exhausted = !outOfBudget;
    return result;
  }

private:
  struct Candidate {
    uint64_t offset;
    BufferIdx buffer;
  };

  /// A section is a stretch of time between two neighbouring ends of live ranges: what lives in it
  /// is constant.
  void buildSections(const SramProblem &problem) {
    std::vector<uint32_t> cuts;
    for (const SramBuffer &buffer : problem.buffers) {
      cuts.push_back(buffer.first.value);
      cuts.push_back(buffer.last.value);
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    waiting.assign(cuts.size(), 0);
    for (const SramBuffer &buffer : problem.buffers) {
      auto at = [&](StepIdx step) {
        return uint32_t(std::lower_bound(cuts.begin(), cuts.end(), step.value) - cuts.begin());
      };
      spans.push_back({at(buffer.first), at(buffer.last)});
    }
    for (BufferIdx index : placer.freeBuffers())
      addWaiting(index, placer.buffer(index).size);
    height.assign(cuts.size(), 0);
  }

  void addWaiting(BufferIdx index, uint64_t bytes) {
    for (uint32_t s = spans[index.value].begin; s < spans[index.value].end; ++s)
      waiting[s] += bytes;
  }

  /// Everything still to be placed goes above `floor` and above what its sections hold already.
  uint64_t bound(uint64_t floor) const {
    uint64_t bound = fixedPeak;
    for (size_t s = 0; s < waiting.size(); ++s)
      if (waiting[s])
        bound = std::max(bound, std::max(floor, height[s]) + waiting[s]);
    return bound;
  }

  std::vector<Candidate> candidates(uint64_t floor, BufferIdx previous) {
    std::vector<Candidate> found;
    for (BufferIdx index : placer.freeBuffers()) {
      if (offsets[index.value] != kUnplaced)
        continue;
      if (placementsLeft == 0) {
        outOfBudget = true;
        return {};
      }
      --placementsLeft;
      uint64_t offset = placer.firstFit(index, offsets);
      // Equal offsets come in ascending order of buffers, so that no set is tried twice.
      bool inOrder = offset > floor || (offset == floor && previous <= index);
      if (inOrder && offset + placer.buffer(index).size < bestPeak && !hasTwin(found, index))
        found.push_back({offset, index});
    }
    std::sort(found.begin(), found.end(), [&](const Candidate &a, const Candidate &b) {
      if (a.offset != b.offset)
        return a.offset < b.offset;
      uint64_t sizeA = placer.buffer(a.buffer).size, sizeB = placer.buffer(b.buffer).size;
      return sizeA != sizeB ? sizeA > sizeB : a.buffer < b.buffer;
    });
    return found;
  }

  /// Interchangeable buffers: trying the first is enough.
  bool hasTwin(const std::vector<Candidate> &found, BufferIdx index) const {
    const SramBuffer &mine = placer.buffer(index);
    return std::any_of(found.begin(), found.end(), [&](const Candidate &candidate) {
      const SramBuffer &other = placer.buffer(candidate.buffer);
      return mine.first == other.first && mine.last == other.last && mine.size == other.size &&
             mine.alignment == other.alignment;
    });
  }

  void visit(uint64_t floor, BufferIdx previous, size_t remaining) {
    if (remaining == 0) {
      best = offsets;
      bestPeak = placer.peak(offsets);
      return;
    }
    if (bound(floor) >= bestPeak)
      return;
    for (const Candidate &candidate : candidates(floor, previous)) {
      if (outOfBudget || bestPeak <= target)
        return;
      // The best may have improved since the candidates were listed.
      if (candidate.offset + placer.buffer(candidate.buffer).size < bestPeak)
        descend(candidate, remaining);
    }
  }

  void descend(const Candidate &candidate, size_t remaining) {
    const Span &span = spans[candidate.buffer.value];
    uint64_t size = placer.buffer(candidate.buffer).size;
    std::vector<uint64_t> heights(height.begin() + span.begin, height.begin() + span.end);
    offsets[candidate.buffer.value] = candidate.offset;
    addWaiting(candidate.buffer, -size);
    for (uint32_t s = span.begin; s < span.end; ++s)
      height[s] = candidate.offset + size;
    visit(candidate.offset, candidate.buffer, remaining - 1);
    std::copy(heights.begin(), heights.end(), height.begin() + span.begin);
    addWaiting(candidate.buffer, size);
    offsets[candidate.buffer.value] = kUnplaced;
  }

  struct Span {
    uint32_t begin, end; ///< sections, half-open
  };

  const SramPlacer &placer;
  uint64_t target;
  uint64_t placementsLeft;
  bool outOfBudget = false;
  uint64_t bestPeak;
  std::vector<uint64_t> best;
  std::vector<uint64_t> offsets;
  uint64_t fixedPeak;
  std::vector<Span> spans;       ///< per buffer
  std::vector<uint64_t> waiting; ///< per section: bytes still to be placed
  std::vector<uint64_t> height;  ///< per section: end of the highest free buffer placed
};

} // namespace

std::vector<uint64_t> climbFromOrder(const SramPlacer &placer, std::vector<BufferIdx> order,
                                     uint32_t seed, uint64_t placements, uint64_t target) {
  std::vector<uint64_t> best = placer.placeInOrder(order);
  uint64_t bestPeak = placer.peak(best);
  if (order.size() < 2)
    return best;
  std::vector<uint64_t> current = best;
  uint64_t currentPeak = bestPeak;
  std::mt19937 random(seed);
  // Not std::uniform_int_distribution: its results differ between libraries.
  auto pick = [&](size_t count) { return size_t(random() % count); };

  for (uint64_t round = placements / order.size(); round > 0 && bestPeak > target; --round) {
    std::vector<size_t> top; // positions of those that end at the peak
    for (size_t i = 0; i < order.size(); ++i)
      if (current[order[i].value] + placer.buffer(order[i]).size == currentPeak)
        top.push_back(i);
    // Only a fixed buffer reaches the peak: no order changes that.
    if (top.empty())
      break;
    size_t from = top[pick(top.size())];
    size_t to = from > 0 && random() % 4 != 0 ? pick(from) : pick(order.size());
    std::vector<BufferIdx> changed = order;
    BufferIdx moved = changed[from];
    changed.erase(changed.begin() + from);
    changed.insert(changed.begin() + to, moved);
    std::vector<uint64_t> offsets = placer.placeInOrder(changed);
    uint64_t peak = placer.peak(offsets);
    if (peak > currentPeak)
      continue;
    order = std::move(changed);
    current = std::move(offsets);
    currentPeak = peak;
    if (peak < bestPeak) {
      best = current;
      bestPeak = peak;
    }
  }
  return best;
}

BranchAndBoundResult branchAndBound(const SramProblem &problem, const SramPlacer &placer,
                                    uint64_t peak, uint64_t target, uint64_t placements) {
  return Tree(problem, placer, peak, target, placements).search();
}

} // namespace llmc::passes
