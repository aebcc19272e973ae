#include "compiler/Emit/EmitDebug.h"

#include "dialects/Npu/NpuAccess.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using nlohmann::json;

namespace llmc {

static json describeEntry(npu::ProgramOp program, uint64_t capacity) {
  npu::CommandList commands = npu::commandsOf(program);
  struct Range {
    uint32_t first = UINT32_MAX, last = 0;
  };
  DenseMap<Value, Range> ranges;
  uint32_t step = 0;
  for (const auto &list : {commands.prologue, commands.body, commands.epilogue})
    for (Operation *command : list) {
      for (const npu::BufferAccess &access : npu::accessesOf(command)) {
        Range &range = ranges[access.buffer];
        range.first = std::min(range.first, step);
        range.last = std::max(range.last, step + 1);
      }
      ++step;
    }
  json entry = {{"name", program.getSymName().str()},
                {"capacity", capacity},
                {"sram_bytes", program.getSramBytes().value_or(0)},
                {"live_bytes", program.getLiveBytes().value_or(0)},
                {"steps", step},
                {"buffers", json::array()}};
  for (npu::BufferOp buffer : program.getBody().front().getOps<npu::BufferOp>()) {
    const Range &range = ranges[buffer.getResult()];
    if (range.last == 0 || !buffer.getOffset())
      continue;
    entry["buffers"].push_back({{"name", buffer.getLabel().str()},
                                {"offset", *buffer.getOffset()},
                                {"bytes", uint64_t(buffer.getBytes())},
                                {"first", range.first},
                                {"last", range.last},
                                {"stream", buffer.getStream()}});
  }
  return entry;
}

std::string describeMemory(ModuleOp module, uint64_t capacity) {
  json document = {{"entries", json::array()}};
  for (auto program : module.getOps<npu::ProgramOp>())
    document["entries"].push_back(describeEntry(program, capacity));
  return document.dump();
}

} // namespace llmc
