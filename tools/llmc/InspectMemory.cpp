#include "passes/Algorithms/MemoryMap.h"
#include "tools/llmc/Errors.h"
#include "tools/llmc/Inspect.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc {

using Json = nlohmann::ordered_json;

static InputError malformed(const std::string &what) {
  return InputError("the plan's debug segment is malformed (" + what +
                    "): compile the model again");
}

namespace {

struct Arena {
  passes::SramProblem problem;
  std::vector<uint64_t> offsets;
};

Arena arenaOf(const Json &entry) {
  Arena arena;
  arena.problem.capacity = entry.at("capacity").get<uint64_t>();
  for (const Json &buffer : entry.at("buffers")) {
    passes::SramBuffer record;
    record.name = buffer.at("name").get<std::string>();
    record.first = passes::StepIdx{buffer.at("first").get<uint32_t>()};
    record.last = passes::StepIdx{buffer.at("last").get<uint32_t>()};
    record.size = buffer.at("bytes").get<uint64_t>();
    arena.problem.buffers.push_back(std::move(record));
    arena.offsets.push_back(buffer.at("offset").get<uint64_t>());
  }
  if (const auto problem = passes::checkProblem(arena.problem))
    throw malformed(*problem);
  return arena;
}

/// Streamed buffers are filled ahead of their use, and so are taken for longer than the chart,
/// which shows the program's order, can draw.
std::string describeStreams(const Json &entry) {
  size_t count = 0;
  uint64_t bytes = 0;
  for (const Json &buffer : entry.at("buffers"))
    if (buffer.value("stream", false)) {
      ++count;
      bytes += buffer.at("bytes").get<uint64_t>();
    }
  if (count == 0)
    return "";
  return fmt::format(
      "  {} of the buffers, {} bytes, are streamed: loads fill them ahead of the steps "
      "that the chart shows\n",
      count, bytes);
}

std::string drawEntry(const Json &entry) {
  const Arena arena = arenaOf(entry);
  const auto bytes = entry.at("sram_bytes").get<uint64_t>();
  const double share =
      arena.problem.capacity ? 100.0 * double(bytes) / double(arena.problem.capacity) : 0;
  std::string text = fmt::format("{}: {} bytes of {} ({:.1f} %), {} buffers, {} steps\n",
                                 entry.at("name").get<std::string>(), bytes, arena.problem.capacity,
                                 share, arena.offsets.size(), entry.at("steps").get<uint64_t>());
  text += describeStreams(entry);
  if (!arena.offsets.empty())
    text += passes::drawMemoryMap(arena.problem, arena.offsets);
  return text;
}

} // namespace

std::string drawMemory(const Json &map) {
  std::string text;
  try {
    for (const Json &entry : map.at("entries"))
      text += (text.empty() ? "" : "\n") + drawEntry(entry);
  } catch (const Json::exception &error) {
    throw malformed(error.what());
  }
  return text;
}

} // namespace llmc
