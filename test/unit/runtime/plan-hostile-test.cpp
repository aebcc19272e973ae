// Plans that are wrong as a whole, and random damage: whatever is accepted stays inside its
// regions.
#include <algorithm>
#include <random>

#include "test/unit/runtime/plan_mutations.h"

using namespace llmc;
using namespace llmc::test;

namespace {
constexpr uint32_t none = rt::none32;
}

TEST_CASE("whole plans that cannot be") {
  PlanDescription d = languageModel();
  auto refused = [&] {
    std::vector<uint8_t> bytes;
    return writePlan(d, bytes).error;
  };
  REQUIRE(refused() == "");
  SECTION("loops within loops beyond the depth") {
    d.entries.resize(1);
    d.steps.clear();
    d.params.resize(10);
    for (uint32_t i = 0; i < 5; ++i)
      d.params.push_back({0, 0, rt::ParamKind::Loop, rt::none8, rt::none8, 0});
    for (uint32_t i = 0; i < 5; ++i)
      d.steps.push_back({rt::StepOp::LoopBegin, uint8_t(10 + i), 1, 9 - i});
    for (uint32_t i = 0; i < 5; ++i)
      d.steps.push_back({rt::StepOp::LoopEnd, 0, 0, 4 - i});
    d.steps.push_back({});
    d.entries[0].nSteps = 11;
    CHECK(refused().find("step 4: loops cross") != std::string::npos);
  }
  SECTION("more steps executed than anybody waits for") {
    d.entries.resize(1);
    d.steps.clear();
    for (uint32_t i = 0; i < 2; ++i)
      d.params.push_back({none - 1, 0, rt::ParamKind::Loop, rt::none8, rt::none8, 0});
    d.steps = {{rt::StepOp::LoopBegin, 10, 65535, 4}, {rt::StepOp::LoopBegin, 11, 65535, 3},
               {rt::StepOp::Yield, 0, 0, 0},          {rt::StepOp::LoopEnd, 0, 0, 1},
               {rt::StepOp::LoopEnd, 0, 0, 0},        {}};
    d.entries[0].nSteps = 6;
    CHECK(refused().find("step 2: an offset, size or address") != std::string::npos);
  }
  SECTION("a loop over a parameter that an outer loop uses") {
    d.steps[6].queue = pLayer;
    d.params[pLayer].max = 10;
    d.moves[0].stride[0] = d.moves[1].stride[0] = 0;
    CHECK(refused().find("step 6: loops cross") != std::string::npos);
  }
  SECTION("steps that no entry owns") {
    d.steps.push_back({});
    CHECK(refused().find("step 62") != std::string::npos);
  }
  SECTION("too few parameters") {
    d.params.resize(2);
    CHECK(refused().find("parameter 2: a required part is missing") != std::string::npos);
  }
  SECTION("nothing at all") {
    d = PlanDescription();
    CHECK(refused().find("plan, field targets: a required part is missing") != std::string::npos);
  }
  SECTION("names that take too much") {
    d.entries[0].name = std::string(66000, 'x');
    CHECK(refused() == "the names in the plan take 66113 bytes; the most is 65535");
  }
  SECTION("more ways of moving than there are numbers for") {
    for (uint32_t i = 0; i < 300; ++i) {
      const Stride stride = {pLayer, i};
      d.operands.push_back(d.operand(dramRegion, 0, 1, LLMC_READ, {&stride, 1}));
    }
    CHECK(refused().find("plan, field moves: an offset, size") != std::string::npos);
  }
}

namespace {

/// Binds and runs everything an accepted plan offers, on memory of exactly its sizes; the device
/// touches both ends of every operand, so that the sanitizer sees an address that leaves its
/// region.
void exercise(const Plan &plan) {
  uint64_t total = 0;
  for (const rt::Region &region : plan.regions())
    total += region.size;
  if (total > (16u << 20))
    return;
  std::vector<Memory> memories;
  std::vector<llmc_memory> views;
  for (const rt::Region &region : plan.regions()) {
    memories.emplace_back(size_t(region.size), size_t(1) << std::max<int>(region.alignLog2, 3));
    views.push_back(memories.back().view());
  }
  ScriptedDevice device;
  std::vector<const llmc_device *> devices(plan.nTargets(), &device.table);
  llmc_platform platform = {};
  platform.struct_size = sizeof(platform);
  platform.abi = LLMC_PLATFORM_ABI;
  platform.host_call = [](void *, uint32_t, const llmc_operand_view *, uint32_t, const uint32_t *,
                          uint32_t) -> llmc_status { return Status(); };
  rt::Bindings bindings;
  bindings.memories = {views.data(), views.size()};
  bindings.devices = {devices.data(), devices.size()};
  bindings.platform = &platform;
  rt::Session session;
  if (!session.bind(plan, bindings).ok())
    return;
  for (uint32_t i = 0; i < plan.nEntries(); ++i) {
    rt::EntryView entry = plan.entry(i);
    std::vector<int32_t> ids(std::min<uint32_t>(entry.chunk(), 4096), 0);
    rt::Call call;
    call.entry = i;
    call.row = entry.rowMax();
    call.ids = {ids.data(), ids.size()};
    Status status = session.begin(call);
    if (status.where == LLMC_AT_TOKEN) {
      call.ids = {};
      call.nTokens = entry.chunk();
      status = session.begin(call);
    }
    for (uint32_t polls = 0; polls < 100 && (polls == 0 ? status.ok() : status.pending()); ++polls)
      status = session.poll();
    if (!session.idle() && !session.reset().ok())
      return;
  }
}

} // namespace

TEST_CASE("random damage never crashes, and what is accepted stays inside", "[mutator]") {
  Subject subject;
  const rt::FileHeader header = subject.plan.header();
  std::vector<uint8_t> good(subject.file.data(), subject.file.data() + subject.file.size());
  std::mt19937 random(1);
  uint32_t accepted = 0, structural = 0;
  for (int round = 0; round < 20000; ++round) {
    uint32_t flips = 1 + random() % 3;
    for (uint32_t i = 0; i < flips; ++i) {
      size_t at = random() % (header.planOffset + header.planSize);
      switch (random() % 4) {
      case 0:
        subject.file.data()[at] ^= uint8_t(1u << (random() % 8));
        break;
      case 1:
        subject.file.data()[at] = uint8_t(random());
        break;
      case 2:
        subject.file.data()[at] = 0xFF;
        break;
      default:
        subject.file.data()[at] += uint8_t(random() % 3 - 1);
        break;
      }
    }
    Plan plan;
    if (subject.open(&plan).ok()) {
      ++accepted;
      exercise(plan);
    }
    // What the own verifier accepts as structure, the library accepts as well.
    rt::Span<const uint8_t> part(subject.file.data() + header.planOffset, size_t(header.planSize));
    rt::fb::Field fields[rt::fb::plan::count];
    if (rt::fb::readPlan(part, fields).ok()) {
      ++structural;
      flatbuffers::Verifier verifier(part.data, part.size, 64, UINT32_MAX);
      REQUIRE(fb::VerifyPlanBuffer(verifier));
    }
    std::copy(good.begin(), good.end(), subject.file.data());
  }
  INFO(accepted << " accepted, " << structural << " sound");
  CHECK(accepted > 1000);
  CHECK(structural > accepted);
}
