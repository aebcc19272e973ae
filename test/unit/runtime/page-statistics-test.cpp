// What the trace of a session says about paging, against a flash and a device that know the truth.
#include "catch2/catch.hpp"

#include "runtime/exec/page_statistics.h"
#include "runtime/schema/explain.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Status;
using rt::StepOp;

namespace {

constexpr uint32_t pageBytes = 512, nPages = 3, flashTicks = 30, kernelTicks = 12, idleTicks = 10;

/// Two slots of RAM and three pages of flash: the next page is read while a kernel runs on the one
/// before.
PlanDescription readAhead() {
  constexpr uint8_t all = rt::cpuReads | rt::cpuWrites | rt::deviceReads | rt::deviceWrites;
  constexpr uint8_t constant = rt::cpuReads | rt::deviceReads;
  PlanDescription d;
  d.targets.push_back({"scripted", "test", "", 1, 0, {}});
  d.regions = {{nPages * pageBytes, rt::none16, 0, 6, rt::RegionKind::FlashPaged,
                rt::Lifetime::Constant, rt::cpuReads},
               {16, rt::none16, 0, 6, rt::RegionKind::FlashXip, rt::Lifetime::Constant, constant},
               {2 * pageBytes, rt::none16, 0, 6, rt::RegionKind::Sram, rt::Lifetime::Scratch, all}};
  for (uint16_t region : {0, 1}) {
    SegmentDescription segment;
    segment.region = region;
    segment.kind = region == 0 ? rt::SegmentKind::Weights : rt::SegmentKind::Kernel;
    segment.chunkLog2 = region == 0 ? 10 : 0;
    segment.source = segmentFromBytes(std::vector<uint8_t>(size_t(d.regions[region].size)));
    d.segments.push_back(segment);
  }
  for (uint32_t page = 0; page < nPages; ++page)
    d.operands.push_back(d.operand(0, page * pageBytes, pageBytes, LLMC_READ));
  for (uint32_t slot = 0; slot < 2; ++slot)
    d.operands.push_back(d.operand(2, slot * pageBytes, pageBytes, LLMC_READ | LLMC_WRITE));
  d.args = {0, 3, 1, 4, 2, 3};
  d.params = {{0, 0, rt::ParamKind::Input, rt::none8, rt::none8, 0},
              {1, 0, rt::ParamKind::Input, rt::none8, rt::none8, 0},
              {1, 0, rt::ParamKind::KvLen, rt::none8, rt::none8, 0}};
  d.blobs = {{0, 16, 1, 0}};
  d.kernels = {{0, 0, 0, 0, 1}};
  d.queues = {{0, 0}};
  constexpr uint8_t source = rt::sourceQueue;
  d.steps = {{StepOp::Prefetch, 0, 0, 0},  {StepOp::Prefetch, 0, 0, 2},
             {StepOp::Wait, source, 1, 0}, {StepOp::Dispatch, 0, 0, 1}, // page 0, page 1 on its way
             {StepOp::Wait, 0, 0, 0},      {StepOp::Prefetch, 0, 0, 4},
             {StepOp::Wait, source, 1, 0}, {StepOp::Dispatch, 0, 0, 3}, // page 1, page 2 on its way
             {StepOp::Wait, source, 0, 0}, {StepOp::Dispatch, 0, 0, 1}, // page 2, nothing left
             {StepOp::End, 0, 0, 0}};
  EntryDescription entry;
  entry.name = "main";
  entry.targetMask = 1;
  entry.nSteps = uint32_t(d.steps.size());
  d.entries = {entry};
  return d;
}

/// A clock that moves while the caller idles and while a kernel runs; flash that reads one page
/// after the other.
struct Clocked {
  Machine machine{readAhead()};
  uint64_t now = 0;
  std::vector<uint64_t> due;         // of each read
  std::vector<uint32_t> readsBeside; // in flight at the begin of each kernel, by the flash itself
  uint32_t inFlight() const {
    uint32_t n = 0;
    for (uint64_t each : due)
      n += each > now;
    return n;
  }
  static Clocked &self(void *ctx) { return *static_cast<Clocked *>(ctx); }

  void run(rt::PageStatistics &pages) {
    llmc_source &source = machine.source;
    machine.platform.ctx = this;
    machine.platform.ticks = [](void *ctx) { return self(ctx).now; };
    machine.platform.idle = [](void *ctx) { self(ctx).now += idleTicks; };
    source.ctx = this;
    source.read_async = [](void *ctx, uint64_t, size_t, void *, uint32_t) -> llmc_status {
      Clocked &c = self(ctx);
      c.due.push_back(std::max(c.now, c.due.empty() ? 0 : c.due.back()) + flashTicks);
      return Status();
    };
    source.poll = [](void *ctx, uint32_t tag) -> llmc_status {
      return self(ctx).due[tag - 1] <= self(ctx).now ? Status() : Status(LLMC_PENDING);
    };
    machine.device.kernels[0] = [this](const ScriptedDevice::Submission &) { now += kernelTicks; };
    llmc_device table = machine.device.table;
    static Clocked *running;
    running = this;
    table.submit = [](void *ctx, const llmc_dispatch *dispatch) -> llmc_status {
      running->readsBeside.push_back(running->inFlight());
      return running->machine.device.table.submit(ctx, dispatch);
    };
    const std::vector<llmc_memory> views = viewsOf(machine.memories);
    const llmc_device *devices[] = {&table};
    rt::Bindings bindings;
    bindings.memories = {views.data(), views.size()};
    bindings.devices = devices;
    bindings.platform = &machine.platform;
    bindings.trace = &pages.table();
    REQUIRE(machine.session.bind(machine.plan, bindings).ok());
    rt::Call call;
    call.nTokens = 1;
    const Status status = machine.session.run(call);
    INFO(rt::explain(status));
    REQUIRE(status.ok());
  }
};

} // namespace

TEST_CASE("the trace shows the next page's read in flight during a kernel, and the time stalled") {
  Clocked clocked;
  rt::PageStatistics pages(clocked.machine.plan);
  clocked.run(pages);
  // Pages are there at 30, 60 and 90: the third is asked for at 42, behind the first kernel, while
  // the second is read. The caller idles from 0 to 30, from 42 to 62, and from 62 to 92.
  CHECK(clocked.readsBeside == std::vector<uint32_t>{1, 1, 0});
  CHECK(pages.reads == nPages);
  CHECK(pages.bytes == nPages * pageBytes);
  CHECK(pages.kernels == 3);
  CHECK(pages.overlapped == 2);
  CHECK(pages.stalls == 3);
  CHECK(pages.stalledTicks == 30 + 20 + 30);
}
