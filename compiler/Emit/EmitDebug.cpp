#include "compiler/Emit/EmitDebug.h"

#include "dialects/Npu/NpuAccess.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using nlohmann::json;

namespace llmc {

static json describeEntry(npu::ProgramOp program, uint64_t capacity) {
  npu::CommandList commands = npu::commandsOf(program);
  DenseMap<Value, npu::AccessRange> ranges = npu::accessRangesOf(commands);
  size_t steps = commands.prologue.size() + commands.body.size() + commands.epilogue.size();
  json entry = {{"name", program.getSymName().str()},
                {"capacity", capacity},
                {"sram_bytes", program.getSramBytes().value_or(0)},
                {"live_bytes", program.getLiveBytes().value_or(0)},
                {"steps", steps},
                {"buffers", json::array()}};
  for (npu::BufferOp buffer : program.getBody().front().getOps<npu::BufferOp>()) {
    const npu::AccessRange &range = ranges[buffer.getResult()];
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
