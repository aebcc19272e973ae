// Where a plan's bytes come from fails, and memory is short: every read, every bit, every word.
#include "catch2/catch.hpp"

#include <algorithm>

#include "compiler/Emit/PlanView.h"
#include "runtime/schema/explain.h"
#include "test/fuzz/seed_plans.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Call;
using rt::Plan;
using rt::Status;

namespace {

/// Flash behind a controller that can fail in every way.
struct BadFlash {
  std::vector<uint8_t> bytes;
  llmc_source table = {};
  int failRead = -1, failPoll = -1; // at the nth
  int late = 0, left = 0;           // polls before a read is done
  int reads = 0, polls = 0;
  bool hang = false;

  explicit BadFlash(std::vector<uint8_t> file) : bytes(std::move(file)) {
    table.struct_size = sizeof(table);
    table.abi = LLMC_SOURCE_ABI;
    table.ctx = this;
    table.size = bytes.size();
    table.read_async = [](void *ctx, uint64_t offset, size_t size, void *dst,
                          uint32_t) -> llmc_status {
      BadFlash &f = *static_cast<BadFlash *>(ctx);
      if (f.reads++ == f.failRead)
        return Status(LLMC_SOURCE_ERROR, LLMC_AT_SOURCE);
      f.left = f.late;
      std::memcpy(dst, f.bytes.data() + offset, size);
      return Status();
    };
    table.poll = [](void *ctx, uint32_t) -> llmc_status {
      BadFlash &f = *static_cast<BadFlash *>(ctx);
      if (f.polls++ == f.failPoll)
        return Status(LLMC_SOURCE_ERROR, LLMC_AT_SOURCE);
      return f.hang || f.left-- > 0 ? Status(LLMC_PENDING) : Status();
    };
  }
};

PlanDescription seedPlan(const std::string &name) {
  for (auto &[each, plan] : fuzz::seedPlans())
    if (each == name)
      return plan;
  FAIL("no such plan: " << name);
  return {};
}

/// The paged plan on flash that only reads, with host calls that sum up what they see.
struct Paged {
  BadFlash flash{planBytes(seedPlan("paged"))};
  std::vector<uint64_t> resident;
  Plan plan;
  std::vector<Memory> memories;
  ScriptedDevice device;
  llmc_platform platform = {};
  rt::Session session;
  uint32_t sum = 0;

  Status open(size_t words) {
    resident.assign(words, 0);
    return Plan::open(flash.table, {reinterpret_cast<uint8_t *>(resident.data()), words * 8},
                      &plan);
  }
  void prepare() {
    uint64_t bytes = 0;
    REQUIRE(Plan::residentBytes(flash.table, &bytes).ok());
    REQUIRE(open((bytes + 7) / 8).ok());
    platform.struct_size = sizeof(platform);
    platform.abi = LLMC_PLATFORM_ABI;
    platform.ctx = this;
    platform.host_call = [](void *ctx, uint32_t, const llmc_operand_view *views, uint32_t,
                            const uint32_t *, uint32_t) -> llmc_status {
      for (size_t i = 0; i < views[0].size; ++i) {
        uint32_t &sum = static_cast<Paged *>(ctx)->sum;
        sum = sum * 31 + static_cast<const uint8_t *>(views[0].base)[i];
      }
      return Status();
    };
    for (const rt::Region &region : plan.regions())
      memories.emplace_back(size_t(region.size));
    std::vector<llmc_memory> views = viewsOf(memories);
    const llmc_device *devices[] = {&device.table};
    rt::Bindings bindings;
    bindings.memories = {views.data(), views.size()};
    bindings.devices = devices;
    bindings.platform = &platform;
    REQUIRE(session.bind(plan, bindings).ok());
    flash.reads = flash.polls = 0;
  }
  Status run() {
    sum = 0;
    Call call;
    call.nTokens = 1;
    return session.run(call);
  }
};

} // namespace

TEST_CASE("a flash read that errors, at its start or later, poisons the session until reset") {
  Paged good;
  good.prepare();
  REQUIRE(good.run().ok());
  for (bool atRead : {true, false})
    for (int n = 0;; ++n) {
      Paged machine;
      machine.prepare();
      (atRead ? machine.flash.failRead : machine.flash.failPoll) = n;
      Status status = machine.run();
      if (status.ok()) {
        CHECK(n == 2); // both pages
        break;
      }
      REQUIRE(status == Status(LLMC_SOURCE_ERROR, LLMC_AT_SOURCE));
      REQUIRE(machine.run() == Status(LLMC_POISONED, LLMC_AT_SESSION));
      machine.flash.failRead = machine.flash.failPoll = -1;
      REQUIRE(machine.session.reset().ok());
      REQUIRE(machine.run().ok());
      REQUIRE(machine.sum == good.sum);
    }
}

TEST_CASE("a flash read that is late changes nothing; one that never ends can be left") {
  Paged good;
  good.prepare();
  REQUIRE(good.run().ok());
  for (int late : {1, 2, 7}) {
    Paged machine;
    machine.flash.late = late;
    machine.prepare();
    REQUIRE(machine.run().ok());
    CHECK(machine.sum == good.sum);
  }
  Paged machine;
  machine.prepare();
  machine.flash.hang = true;
  Call call;
  call.nTokens = 1;
  REQUIRE(machine.session.begin(call).ok());
  for (int i = 0; i < 20; ++i) // the caller's clock
    REQUIRE(machine.session.poll().pending());
  CHECK(machine.session.cancel().pending()); // the read may still write its memory
  CHECK(machine.session.reset().pending());
  machine.flash.hang = false;
  REQUIRE(machine.session.reset().ok());
  REQUIRE(machine.run().ok());
  CHECK(machine.sum == good.sum);
}

TEST_CASE("flash that errors while a plan is opened, at any read") {
  for (bool atRead : {true, false})
    for (int n = 0;; ++n) {
      Paged machine;
      (atRead ? machine.flash.failRead : machine.flash.failPoll) = n;
      Status status = machine.open(1024);
      if (status.ok()) {
        CHECK(n == 2); // header and plan
        break;
      }
      REQUIRE(status == Status(LLMC_SOURCE_ERROR, LLMC_AT_SOURCE));
    }
}

TEST_CASE("memory for the resident plan that is a word short, or more, is refused") {
  Paged machine;
  uint64_t bytes = 0;
  REQUIRE(Plan::residentBytes(machine.flash.table, &bytes).ok());
  for (size_t words = 0; words * 8 < bytes; ++words)
    REQUIRE(machine.open(words) == Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, rt::none16));
  CHECK(machine.open((bytes + 7) / 8).ok());
}

TEST_CASE("memory that is a word short, or more, is refused for every region of every plan") {
  for (const auto &[name, description] : fuzz::seedPlans()) {
    INFO(name);
    Machine machine(description);
    llmc_platform platform = {};
    platform.struct_size = sizeof(platform);
    platform.abi = LLMC_PLATFORM_ABI;
    platform.host_call = [](void *, uint32_t, const llmc_operand_view *, uint32_t, const uint32_t *,
                            uint32_t) -> llmc_status { return Status(); };
    std::vector<const llmc_device *> devices(machine.plan.nTargets(), &machine.device.table);
    for (uint32_t region = 0; region < machine.memories.size(); ++region) {
      const rt::Region &record = machine.plan.regions()[region];
      if (record.kind == rt::RegionKind::FlashPaged)
        continue;
      for (uint64_t missing = 1; missing <= record.size; missing += missing == 1 ? 3 : 4) {
        std::vector<llmc_memory> views = viewsOf(machine.memories);
        views[region].size = record.size - missing;
        rt::Bindings bindings;
        bindings.memories = {views.data(), views.size()};
        bindings.devices = {devices.data(), devices.size()};
        bindings.platform = &platform;
        REQUIRE(machine.session.bind(machine.plan, bindings) ==
                Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, region));
      }
    }
    CHECK(machine.device.calls.empty());
  }
}

TEST_CASE("any bit that flips on its way from flash is refused by open or by a digest") {
  const std::vector<uint8_t> good = planBytes(languageModel());
  llmc_platform platform = {};
  platform.struct_size = sizeof(platform);
  platform.abi = LLMC_PLATFORM_ABI;
  platform.sha256 = sha256Hook;
  Memory file = Memory::of(good);
  llmc_source source = rt::memorySource(file.data(), file.size());
  Plan original;
  REQUIRE(Plan::open(source, {}, &original).ok());
  std::vector<bool> covered(good.size()); // by the root or by a segment's digest
  for (size_t i = 0; i < original.header().planOffset + original.header().planSize; ++i)
    covered[i] = true;
  for (const rt::Segment &segment : original.segments())
    std::fill_n(covered.begin() + long(segment.offset), segment.size, true);
  size_t refused = 0, caught = 0, gaps = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    file.data()[at] ^= uint8_t(1u << (at % 8));
    Plan plan;
    Status status = Plan::open(source, {}, &plan);
    refused += !status.ok();
    if (status.ok()) {
      status = plan.checkRoot(platform);
      for (uint32_t i = 0; status.ok() && i < plan.segments().size; ++i)
        status = plan.checkSegment(i, file.data() + plan.segments()[i].offset, platform);
      caught += status.code == LLMC_BAD_DIGEST;
      gaps += status.ok();
      INFO("byte " << at << ": " << rt::explain(status));
      REQUIRE(status.ok() == !covered[at]);
    }
    file.data()[at] = good[at];
  }
  CHECK(refused > 1000);
  CHECK(caught > 500);
  CHECK(gaps < 64); // between the plan and its first segment
}
