// Sessions that read from the plan's source while they run: pages and initial states.
#include "catch2/catch.hpp"

#include "test/unit/runtime/check_status.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Call;
using rt::Status;

namespace {

/// Two pages of flash, brought into a slot of RAM by turns.
PlanDescription pagedPlan() {
  PlanDescription d;
  d.targets.push_back({"scripted", "test", "", 1, 0, {}});
  constexpr uint8_t all = rt::cpuReads | rt::cpuWrites | rt::deviceReads | rt::deviceWrites;
  d.regions = {
      {2048, rt::none16, 0, 6, rt::RegionKind::FlashPaged, rt::Lifetime::Constant, rt::cpuReads},
      {1024 + 8, rt::none16, 0, 6, rt::RegionKind::Sram, rt::Lifetime::Scratch, all}};
  SegmentDescription pages;
  pages.region = 0;
  pages.chunkLog2 = 10;
  std::vector<uint8_t> bytes(2048);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = uint8_t(i >> 8);
  pages.source = segmentFromBytes(bytes);
  d.segments = {pages};
  const Stride page = {3, 1024}, word = {3, 4};
  d.operands = {d.operand(0, 0, 1024, LLMC_READ, {&page, 1}),
                d.operand(1, 0, 1024, LLMC_READ | LLMC_WRITE),
                d.operand(1, 1024, 4, LLMC_WRITE, {&word, 1})};
  d.args = {0, 1, 2};
  d.params = {{0, 0, rt::ParamKind::Input, rt::none8, rt::none8, 0},
              {1, 0, rt::ParamKind::Input, rt::none8, rt::none8, 0},
              {1, 0, rt::ParamKind::KvLen, rt::none8, rt::none8, 0},
              {1, 0, rt::ParamKind::Loop, rt::none8, rt::none8, 0}};
  d.steps = {{rt::StepOp::LoopBegin, 3, 2, 4},
             {rt::StepOp::Prefetch, 0, 0, 0},
             {rt::StepOp::Wait, rt::sourceQueue, 0, 0},
             {rt::StepOp::HostCall, 2, 77, 1},
             {rt::StepOp::LoopEnd, 0, 0, 0},
             {rt::StepOp::End, 0, 0, 0}};
  EntryDescription entry;
  entry.name = "main";
  entry.nSteps = 6;
  d.entries = {entry};
  return d;
}

/// Flash behind a controller: reads take some polls, may fail, and one at a time is checked.
struct SlowFlash {
  const uint8_t *bytes;
  int delay = 2, left = 0;
  bool fail = false;
  size_t reads = 0;
};

} // namespace

TEST_CASE("pages come through the source while the session waits, and host calls see them") {
  Machine machine(pagedPlan());
  SlowFlash flash{machine.file.data()};
  machine.source.read_async = [](void *ctx, uint64_t offset, size_t size, void *dst,
                                 uint32_t) -> llmc_status {
    SlowFlash &flash = *static_cast<SlowFlash *>(ctx);
    ++flash.reads;
    flash.left = flash.delay;
    std::memcpy(dst, flash.bytes + offset, size);
    return Status();
  };
  machine.source.poll = [](void *ctx, uint32_t) -> llmc_status {
    SlowFlash &flash = *static_cast<SlowFlash *>(ctx);
    if (flash.fail)
      return Status(LLMC_SOURCE_ERROR, LLMC_AT_SOURCE);
    return flash.left-- > 0 ? Status(LLMC_PENDING) : Status();
  };
  machine.source.map = nullptr;
  machine.source.ctx = &flash;
  check(machine.bind(), LLMC_UNSUPPORTED, LLMC_AT_PLATFORM, 0); // no host_call hook
  machine.platform.host_call = [](void *, uint32_t id, const llmc_operand_view *views, uint32_t n,
                                  const uint32_t *params, uint32_t) -> llmc_status {
    if (id != 77 || n != 2 || params[3] > 1)
      return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_PLATFORM);
    const uint8_t *page = static_cast<const uint8_t *>(views[0].base);
    uint8_t summary[4] = {page[0], page[1023], uint8_t(params[3]), 9};
    std::memcpy(views[1].base, summary, 4);
    return Status();
  };
  REQUIRE(machine.bind().ok());
  Call call;
  call.nTokens = 1;
  REQUIRE(machine.session.run(call).ok());
  CHECK(flash.reads == 2);
  CHECK(machine.idles == 4);
  const uint8_t expected[8] = {0, 3, 0, 9, 4, 7, 1, 9};
  CHECK(std::memcmp(machine.memories[1].data() + 1024, expected, 8) == 0);
  flash.fail = true;
  check(machine.session.run(call), LLMC_SOURCE_ERROR, LLMC_AT_SOURCE, 0);
  check(machine.session.run(call), LLMC_POISONED, LLMC_AT_SESSION, 0);
}

namespace {

/// Rows of 16 bytes of the flash, by three ids behind the slot.
PlanDescription gatheringPlan() {
  PlanDescription d = pagedPlan();
  d.operands[0] = d.operand(0, 0, 2048, LLMC_READ);
  d.operands[1].extent = 48;
  d.operands[2] = d.operand(1, 1008, 12, LLMC_READ);
  d.rows = {{16, 128, 16, 16, rt::none8, 0, 0}};
  d.args = {0, 2, 1};
  d.steps = {{rt::StepOp::Gather, 0, 0, 0}, {rt::StepOp::End, 0, 0, 0}};
  d.entries[0].nSteps = 2;
  return d;
}

/// Takes one read at a time; it is done when it is polled for, or when the next one is refused.
struct NarrowFlash {
  const uint8_t *bytes;
  uint64_t offset = 0;
  size_t size = 0;
  void *to = nullptr;
  uint32_t tag = 0, refused = 0;

  void finish() {
    if (to)
      std::memcpy(to, bytes + offset, size);
    to = nullptr;
  }
};

} // namespace

TEST_CASE("rows of a paged table are gathered by reads, as many at a time as the source takes") {
  Machine machine(gatheringPlan());
  CHECK(machine.plan.features() == (rt::featureGather | rt::featurePrefetch));
  NarrowFlash flash{machine.file.data()};
  machine.source.read_async = [](void *ctx, uint64_t offset, size_t size, void *to,
                                 uint32_t tag) -> llmc_status {
    NarrowFlash &flash = *static_cast<NarrowFlash *>(ctx);
    if (flash.to) {
      flash.finish();
      ++flash.refused;
      return Status(LLMC_PENDING, LLMC_AT_SOURCE);
    }
    CHECK(tag == flash.tag + 1); // a refused read keeps its tag
    flash = {flash.bytes, offset, size, to, tag, flash.refused};
    return Status();
  };
  machine.source.poll = [](void *ctx, uint32_t) -> llmc_status {
    static_cast<NarrowFlash *>(ctx)->finish();
    return Status();
  };
  machine.source.map = nullptr;
  machine.source.ctx = &flash;
  REQUIRE(machine.bind().ok());
  uint8_t *memory = machine.memories[1].data();
  const uint32_t ids[3] = {127, 0, 65};
  std::memcpy(memory + 1008, ids, sizeof(ids));
  Call call;
  call.nTokens = 1;
  REQUIRE(machine.session.run(call).ok());
  CHECK(flash.refused == 2);
  for (size_t i = 0; i < 3; ++i)
    CHECK((memory[16 * i] == ids[i] * 16 >> 8 && memory[16 * i + 15] == ids[i] * 16 >> 8));
  memory[1012] = 128;
  check(machine.session.run(call), LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, 1);
}

TEST_CASE("a paged table that ends before its last row is refused") {
  PlanDescription d = gatheringPlan();
  d.rows[0].count = 129;
  CHECK_THROWS_WITH(planBytes(d), Catch::Contains("step 0: an offset, size or address leaves"));
}
