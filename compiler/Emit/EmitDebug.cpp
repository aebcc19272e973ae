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

template <class Op> static json namesOf(plan::FileOp file) {
  json names = json::array();
  for (Op record : file.records<Op>())
    names.push_back(record.getName().value_or(record.getSymName()).str());
  return names;
}

/// What an entry takes: an entry uses every region whole, but those that its peaks name.
static json figuresOf(plan::EntryOp entry, plan::FileOp file) {
  json peaks = json::object();
  for (auto peak : entry.getPeak().getAsRange<plan::PeakAttr>()) {
    auto region =
        cast<plan::RegionOp>(SymbolTable::lookupSymbolIn(file, peak.getRegion().getAttr()));
    peaks[region.getName().value_or(region.getSymName()).str()] = peak.getBytes();
  }
  return {{"estimated_cycles", entry.getEstCycles()},
          {"max_cycles", entry.getMaxCycles()},
          {"peak_bytes", peaks}};
}

static json describeTokenizer(plan::TokenizerOp tokenizer) {
  return {{"kind", tokenizer.getKind().str()},
          {"add_bos", tokenizer.getAddBos()},
          {"chat_template", tokenizer.getChatTemplate().value_or("").str()}};
}

std::string describeDebug(ModuleOp module, plan::FileOp file, uint64_t capacity) {
  json document = {{"entries", json::array()},
                   {"figures", json::array()},
                   {"kernels", namesOf<plan::KernelOp>(file)},
                   {"buffers", namesOf<plan::BufferOp>(file)},
                   {"metadata", json::object()}};
  for (auto fact : file.records<plan::MetadataOp>())
    document["metadata"][fact.getKey().str()] = fact.getValue().str();
  for (auto tokenizer : file.records<plan::TokenizerOp>())
    document["tokenizer"] = describeTokenizer(tokenizer);
  for (auto entry : file.records<plan::EntryOp>())
    document["figures"].push_back(figuresOf(entry, file));
  for (auto program : module.getOps<npu::ProgramOp>())
    document["entries"].push_back(describeEntry(program, capacity));
  return document.dump();
}

} // namespace llmc
