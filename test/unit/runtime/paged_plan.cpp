#include "test/unit/runtime/plan_fixture.h"

namespace llmc::test {

using namespace llmc::rt;

PlanDescription pagesAndRows() {
  constexpr uint8_t all = cpuReads | cpuWrites | deviceReads | deviceWrites;
  constexpr uint8_t both = LLMC_READ | LLMC_WRITE;
  constexpr uint32_t tableBytes = 64, ramBytes = 4096, pageBytes = 2500, rowBytes = 100, rows = 3;
  PlanDescription d;
  d.targets.push_back({"scripted", "test", "", 1, 0, {}});
  d.regions = {{pagedBytes, none32, 6, RegionKind::FlashPaged, Lifetime::Constant, cpuReads},
               {tableBytes, none32, 6, RegionKind::FlashXip, Lifetime::Constant, cpuReads},
               {ramBytes, none32, 6, RegionKind::Sram, Lifetime::Scratch, all}};
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
  d.buffers = {{0, pagedBytes, none32, 0, 0},
               {0, tableBytes, none32, 1, 1},
               {0, ramBytes, none32, 2, none16}};
  constexpr uint8_t loop = 3;
  d.operands = {moving(operand(0, 0, 100, pageBytes, LLMC_READ), loop, pageBytes),
                operand(2, 2, 0, pageBytes, both),
                operand(0, 0, 0, pagedBytes / rowBytes * rowBytes, LLMC_READ),
                operand(2, 2, pagedIds, 4 * rows, LLMC_READ),
                operand(2, 2, pagedIds + 4 * rows, rowBytes * rows, both)};
  d.args = {2, 3, 4, 1};
  d.params = {{0, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::KvLen, none8, none8, 0},
              {1, 0, ParamKind::Loop, none8, none8, 0}};
  d.steps = {{StepOp::LoopBegin, 0, 0, loop, 2, 6},
             {StepOp::Gather, 0, 0, 0, rowBytes, pagedBytes / rowBytes},
             {StepOp::Prefetch, 0, 0, 0, 1, pageBytes},
             {StepOp::Wait, sourceQueue, 0, 0, 0, 0},
             {StepOp::HostCall, 0, 0, 1, 3, 1},
             {StepOp::HostCall, 0, 0, 1, 2, 1},
             {StepOp::LoopEnd, 0, 0, 0, 0, 0},
             {StepOp::End, 0, 0, 0, 0, 0}};
  EntryDescription entry;
  entry.name = "main";
  entry.nSteps = uint32_t(d.steps.size());
  for (const Region &region : d.regions)
    entry.peakBytes.push_back(region.size);
  d.entries = {entry};
  return d;
}

} // namespace llmc::test
