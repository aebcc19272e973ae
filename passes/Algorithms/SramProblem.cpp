#include "passes/Algorithms/SramProblem.h"

#include <algorithm>
#include <utility>

namespace llmc::passes {
namespace {

// Sums of sizes and aligned addresses stay far from wrapping.
constexpr uint64_t kMaxBytes = uint64_t(1) << 56;

std::string quoted(const SramBuffer &buffer) { return "buffer \"" + buffer.name + "\""; }

std::optional<std::string> checkBuffer(const SramBuffer &buffer) {
  if (!(buffer.first < buffer.last))
    return quoted(buffer) + " has the empty live range [" + std::to_string(buffer.first.value) +
           ", " + std::to_string(buffer.last.value) + ")";
  if (buffer.size == 0 || buffer.size > kMaxBytes)
    return quoted(buffer) + " has a size of " + std::to_string(buffer.size) +
           " bytes; it must be 1 to 2^56";
  if (buffer.alignment == 0 || buffer.alignment > kMaxBytes)
    return quoted(buffer) + " has an alignment of " + std::to_string(buffer.alignment) +
           " bytes; it must be 1 to 2^56";
  if (buffer.offset && *buffer.offset > kMaxBytes)
    return quoted(buffer) + " is fixed beyond 2^56 bytes";
  if (buffer.offset && *buffer.offset % buffer.alignment != 0)
    return quoted(buffer) + " is fixed at offset " + std::to_string(*buffer.offset) +
           ", which is no multiple of its alignment " + std::to_string(buffer.alignment);
  return std::nullopt;
}

std::optional<std::string> checkFixedPair(const SramBuffer &a, const SramBuffer &b) {
  if (!liveTogether(a, b) || *a.offset + a.size <= *b.offset || *b.offset + b.size <= *a.offset)
    return std::nullopt;
  return quoted(a) + " and " + quoted(b) + " are fixed at overlapping offsets and live together";
}

struct Event {
  StepIdx step;
  bool starts; ///< ends sort before starts: live ranges are half-open
  uint64_t bytes;
};

bool before(const Event &a, const Event &b) {
  return std::make_pair(a.step.value, a.starts) < std::make_pair(b.step.value, b.starts);
}

} // namespace

std::optional<std::string> checkProblem(const SramProblem &problem) {
  std::vector<const SramBuffer *> fixed;
  uint64_t total = 0;
  for (const SramBuffer &buffer : problem.buffers) {
    if (auto reason = checkBuffer(buffer))
      return reason;
    total += buffer.size;
    if (total > kMaxBytes)
      return "the sizes of all buffers up to \"" + buffer.name + "\" sum to more than 2^56 bytes";
    if (buffer.offset)
      fixed.push_back(&buffer);
  }
  for (size_t i = 0; i < fixed.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (auto reason = checkFixedPair(*fixed[j], *fixed[i]))
        return reason;
  return std::nullopt;
}

bool largerFirst(const SramProblem &problem, BufferIdx a, BufferIdx b) {
  uint64_t sizeA = problem.buffers[a.value].size, sizeB = problem.buffers[b.value].size;
  return sizeA != sizeB ? sizeA > sizeB : a < b;
}

LivePeak maxLive(const SramProblem &problem) {
  std::vector<Event> events;
  for (const SramBuffer &buffer : problem.buffers) {
    events.push_back({buffer.first, true, buffer.size});
    events.push_back({buffer.last, false, buffer.size});
  }
  std::sort(events.begin(), events.end(), before);

  LivePeak peak;
  uint64_t live = 0;
  for (const Event &event : events) {
    live = event.starts ? live + event.bytes : live - event.bytes;
    if (live > peak.bytes) {
      peak.bytes = live;
      peak.step = event.step;
    }
  }
  const auto &buffers = problem.buffers;
  for (uint32_t i = 0; i < buffers.size(); ++i)
    if (buffers[i].first <= peak.step && peak.step < buffers[i].last)
      peak.buffers.push_back(BufferIdx{i});
  std::sort(peak.buffers.begin(), peak.buffers.end(),
            [&](BufferIdx a, BufferIdx b) { return largerFirst(problem, a, b); });
  return peak;
}

} // namespace llmc::passes
