#include "passes/Algorithms/PlanValidator.h"

namespace llmc::passes {

std::vector<std::string> validatePlan(const SramProblem &problem,
                                      const std::vector<uint64_t> &offsets) {
  const std::vector<SramBuffer> &buffers = problem.buffers;
  if (offsets.size() != buffers.size())
    return {"the plan has " + std::to_string(offsets.size()) + " offsets for " +
            std::to_string(buffers.size()) + " buffers"};

  std::vector<std::string> broken;
  auto name = [&](size_t i) {
    return "buffer \"" + buffers[i].name + "\" at offset " + std::to_string(offsets[i]);
  };
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (offsets[i] % buffers[i].alignment != 0)
      broken.push_back(name(i) + " is not aligned to " + std::to_string(buffers[i].alignment));
    if (buffers[i].offset && *buffers[i].offset != offsets[i])
      broken.push_back(name(i) + " is fixed at offset " + std::to_string(*buffers[i].offset));
    if (offsets[i] > problem.capacity || buffers[i].size > problem.capacity - offsets[i])
      broken.push_back(name(i) + " of " + std::to_string(buffers[i].size) +
                       " bytes exceeds the capacity of " + std::to_string(problem.capacity));
  }
  for (size_t i = 0; i < buffers.size(); ++i)
    for (size_t j = i + 1; j < buffers.size(); ++j) {
      bool apartInTime = buffers[i].last.value <= buffers[j].first.value ||
                         buffers[j].last.value <= buffers[i].first.value;
      bool apartInSpace =
          offsets[i] + buffers[i].size <= offsets[j] || offsets[j] + buffers[j].size <= offsets[i];
      if (!apartInTime && !apartInSpace)
        broken.push_back(name(i) + " overlaps " + name(j));
    }
  return broken;
}

} // namespace llmc::passes
