#include "test/unit/runtime/plan_fixture.h"

namespace llmc::test {

using namespace llmc::rt;

PlanDescription pagesAndRows() {
  constexpr uint8_t all = cpuReads | cpuWrites | deviceReads | deviceWrites;
  constexpr uint8_t both = LLMC_READ | LLMC_WRITE;
  constexpr uint32_t tableBytes = 64, ramBytes = 4096, pageBytes = 2500, rowBytes = 100, rows = 3;
  PlanDescription d;
  d.targets.push_back({"scripted", "test", "", 1, 0, {}});
  d.regions = {{pagedBytes, none16, 0, 6, RegionKind::FlashPaged, Lifetime::Constant, cpuReads},
               {tableBytes, none16, 0, 6, RegionKind::FlashXip, Lifetime::Constant, cpuReads},
               {ramBytes, none16, 0, 6, RegionKind::Sram, Lifetime::Scratch, all}};
  for (uint16_t region : {0, 1}) {
    SegmentDescription segment;
    segment.region = region;
    segment.chunkLog2 = 10;
    static_assert(pagedChunk == 1u << 10);
    std::vector<uint8_t> bytes(size_t(d.regions[region].size));
    for (size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = pagedByte(i);
    segment.source = segmentFromBytes(bytes);
    d.segments.push_back(segment);
  }
  constexpr uint8_t loop = 3;
  const Stride page = {loop, pageBytes};
  d.operands = {d.operand(0, 100, pageBytes, LLMC_READ, {&page, 1}),
                d.operand(2, 0, pageBytes, both),
                d.operand(0, 0, pagedBytes / rowBytes * rowBytes, LLMC_READ),
                d.operand(2, pagedIds, 4 * rows, LLMC_READ),
                d.operand(2, pagedIds + 4 * rows, rowBytes * rows, both)};
  d.args = {2, 3, 4, 0, 1};
  d.rows = {{rowBytes, pagedBytes / rowBytes, rowBytes, rowBytes, none8, 0, 0}};
  d.params = {{0, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::KvLen, none8, none8, 0},
              {1, 0, ParamKind::Loop, none8, none8, 0}};
  d.steps = {{StepOp::LoopBegin, loop, 2, 6}, {StepOp::Gather, 0, 0, 0},
             {StepOp::Prefetch, 0, 0, 3},     {StepOp::Wait, sourceQueue, 0, 0},
             {StepOp::HostCall, 1, 1, 4},     {StepOp::HostCall, 1, 1, 2},
             {StepOp::LoopEnd, 0, 0, 0},      {StepOp::End, 0, 0, 0}};
  EntryDescription entry;
  entry.name = "main";
  entry.nSteps = uint32_t(d.steps.size());
  d.entries = {entry};
  return d;
}

} // namespace llmc::test
