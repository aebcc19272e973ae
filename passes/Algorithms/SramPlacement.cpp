#include "passes/Algorithms/SramPlacement.h"

#include <algorithm>

namespace llmc::passes {
namespace {

uint64_t alignUp(uint64_t offset, uint64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

} // namespace

SramPlacer::SramPlacer(const SramProblem &given)
    : problem(given), neighbours(given.buffers.size()) {
  const auto &buffers = problem.buffers;
  for (uint32_t i = 0; i < buffers.size(); ++i) {
    if (!buffers[i].offset)
      movable.push_back(BufferIdx{i});
    for (uint32_t j = 0; j < buffers.size(); ++j)
      if (i != j && liveTogether(buffers[i], buffers[j]))
        neighbours[i].push_back(BufferIdx{j});
  }
}

std::vector<uint64_t> SramPlacer::fixedOnly() const {
  std::vector<uint64_t> offsets;
  for (const SramBuffer &buffer : problem.buffers)
    offsets.push_back(buffer.offset.value_or(kUnplaced));
  return offsets;
}

uint64_t SramPlacer::firstFit(BufferIdx index, const std::vector<uint64_t> &offsets) const {
  taken.clear();
  for (BufferIdx other : conflicts(index))
    if (offsets[other.value] != kUnplaced)
      taken.emplace_back(offsets[other.value], offsets[other.value] + buffer(other).size);
  std::sort(taken.begin(), taken.end());
  const SramBuffer &wanted = buffer(index);
  uint64_t offset = 0;
  for (auto [begin, end] : taken) {
    if (offset + wanted.size <= begin)
      return offset;
    offset = std::max(offset, alignUp(end, wanted.alignment));
  }
  return offset;
}

std::vector<uint64_t> SramPlacer::placeInOrder(const std::vector<BufferIdx> &order) const {
  std::vector<uint64_t> offsets = fixedOnly();
  for (BufferIdx index : order)
    offsets[index.value] = firstFit(index, offsets);
  return offsets;
}

uint64_t SramPlacer::peak(const std::vector<uint64_t> &offsets) const {
  uint64_t peak = 0;
  for (size_t i = 0; i < offsets.size(); ++i)
    if (offsets[i] != kUnplaced)
      peak = std::max(peak, offsets[i] + problem.buffers[i].size);
  return peak;
}

} // namespace llmc::passes
