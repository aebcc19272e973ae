// What fails around a session: every step, every call of a hook, every size of memory. Nothing is
// corrupt afterwards: a reset gives the same results again.
#include "catch2/catch.hpp"

#include <algorithm>

#include "compiler/Emit/PlanView.h"
#include "runtime/lm/lm.h"
#include "runtime/schema/explain.h"
#include "test/fuzz/seed_plans.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Call;
using rt::Plan;
using rt::Status;

namespace {

/// The plan with a yield after every step, so that poll returns at each of them.
PlanDescription yielding(PlanDescription d) {
  std::vector<rt::Step> steps;
  std::vector<uint32_t> at;
  for (const rt::Step &step : d.steps) {
    at.push_back(uint32_t(steps.size()));
    steps.push_back(step);
    if (step.op != rt::StepOp::End)
      steps.push_back({rt::StepOp::Yield, 0, 0, 0, 0, 0});
  }
  at.push_back(uint32_t(steps.size()));
  for (rt::Step &step : steps) {
    if (step.op == rt::StepOp::LoopBegin)
      step.c = at[step.c];
    if (step.op == rt::StepOp::LoopEnd)
      step.a = at[step.a];
  }
  for (EntryDescription &entry : d.entries) {
    uint32_t end = at[entry.firstStep + entry.nSteps];
    entry.firstStep = at[entry.firstStep];
    entry.nSteps = end - entry.firstStep;
  }
  d.steps = steps;
  return d;
}

/// The language model on its device, with a yield after every step.
struct Model : Machine {
  Model() : Machine(yielding(languageModel())) {
    installModel(device);
    REQUIRE(bind().ok());
  }
  Call call(uint32_t entry, const std::vector<int32_t> &ids) const {
    Call c;
    c.entry = entry;
    c.ids = {ids.data(), ids.size()};
    return c;
  }
  /// The logits of the row that was fed last.
  std::vector<float> logits(uint32_t row) {
    Call c;
    c.entry = head1;
    c.nTokens = 1;
    c.row = row;
    REQUIRE(session.run(c).ok());
    llmc_operand_view view;
    REQUIRE(session.view(plan.entry(head1).output(0).operand(), &view).ok());
    const float *data = static_cast<const float *>(view.base);
    return {data, data + vocab};
  }
};

const std::vector<int32_t> first = someTokens(5, 1), second = someTokens(9, 2);

std::vector<int32_t> joined() {
  std::vector<int32_t> all = first;
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

/// Polls that an undisturbed run of `second` takes.
uint32_t pollsOfRun() {
  Model model;
  REQUIRE(model.session.run(model.call(prefill16, first)).ok());
  REQUIRE(model.session.begin(model.call(prefill16, second)).ok());
  uint32_t polls = 1;
  while (model.session.poll().pending())
    ++polls;
  return polls;
}

/// Up to the step at `polls`, with the first tokens fed before.
void runTo(Model &model, uint32_t polls) {
  REQUIRE(model.session.run(model.call(prefill16, first)).ok());
  REQUIRE(model.session.begin(model.call(prefill16, second)).ok());
  for (uint32_t i = 0; i < polls; ++i)
    REQUIRE(model.session.poll().pending());
}

} // namespace

TEST_CASE("cancelled at any step, the position stays and the run can be repeated") {
  const uint32_t polls = pollsOfRun();
  REQUIRE(polls > 30); // two layers, two tiles each
  const std::vector<float> expected = expectedLogits(joined());
  for (bool canCancel : {true, false})
    for (uint32_t at = 0; at < polls; ++at) {
      Model model;
      if (!canCancel)
        model.device.table.cancel = nullptr;
      runTo(model, at);
      Status status = model.session.cancel();
      while (status.pending())
        status = model.session.poll();
      REQUIRE((status.ok() || status == Status(LLMC_CANCELLED, LLMC_AT_SESSION)));
      REQUIRE(model.session.position() == first.size());
      REQUIRE(model.session.run(model.call(prefill16, second)).ok());
      REQUIRE(model.logits(uint32_t(second.size() - 1)) == expected);
    }
}

TEST_CASE("a device that faults or hangs at any step leaves a session that can be reset") {
  const uint32_t polls = pollsOfRun();
  const std::vector<float> expected = expectedLogits(second);
  for (bool hangs : {true, false})
    for (uint32_t at = 0; at < polls; ++at) {
      Model model;
      runTo(model, at);
      model.device.hang = hangs;
      model.device.failPoll = hangs ? -1 : int(model.device.polls);
      model.device.failSubmit = hangs ? -1 : int(model.device.submits);
      Status status(LLMC_PENDING);
      for (uint32_t i = 0; i < 200 && status.pending(); ++i) // the caller's clock
        status = model.session.poll();
      REQUIRE((hangs ? status.pending() || status.ok()
                     : status.ok() || status == Status(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE)));
      model.device.hang = false;
      model.device.failPoll = model.device.failSubmit = -1;
      REQUIRE(model.session.reset().ok());
      REQUIRE(model.session.position() == 0);
      REQUIRE(model.session.run(model.call(prefill16, second)).ok());
      REQUIRE(model.logits(uint32_t(second.size() - 1)) == expected);
    }
}

TEST_CASE(
    "a device that cannot attach or load leaves the session unbound, and another bind works") {
  for (int call = 0;; ++call) {
    Machine machine(languageModel());
    installModel(machine.device);
    struct Failing {
      llmc_device inner;
      int left;
    } failing = {machine.device.table, call};
    llmc_device table = machine.device.table;
    table.ctx = &failing;
    table.match = [](void *, const llmc_target_info *) -> llmc_status { return Status(); };
    table.attach = [](void *ctx, const llmc_memory *memory, uint32_t n) -> llmc_status {
      auto &f = *static_cast<Failing *>(ctx);
      return f.left-- == 0 ? llmc_status(Status(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE))
                           : f.inner.attach(f.inner.ctx, memory, n);
    };
    table.load = [](void *ctx, uint32_t kernel, const void *code, size_t size) -> llmc_status {
      auto &f = *static_cast<Failing *>(ctx);
      return f.left-- == 0 ? llmc_status(Status(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE))
                           : f.inner.load(f.inner.ctx, kernel, code, size);
    };
    table.reset = [](void *ctx) -> llmc_status {
      auto &f = *static_cast<Failing *>(ctx);
      return f.left-- == 0 ? llmc_status(Status(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE))
                           : f.inner.reset(f.inner.ctx);
    };
    llmc_device good = std::exchange(machine.device.table, table);
    Status status = machine.bind();
    if (status.ok()) {
      CHECK(call == 7); // attach, five kernels, reset
      break;
    }
    REQUIRE(status == Status(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE));
    Call none;
    REQUIRE(machine.session.begin(none).failed());
    machine.device.table = good;
    REQUIRE(machine.bind().ok());
    Call decode;
    decode.entry = decode1;
    const int32_t id = 3;
    decode.ids = {&id, 1};
    REQUIRE(machine.session.run(decode).ok());
  }
}

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
    std::vector<llmc_memory> views;
    for (const Memory &memory : memories)
      views.push_back(memory.view());
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
        std::vector<llmc_memory> views;
        for (const Memory &memory : machine.memories)
          views.push_back(memory.view());
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

namespace {

/// A file that ends early, or is full early.
struct Tape {
  std::vector<uint8_t> bytes;
  size_t at = 0, limit = SIZE_MAX;
  static Status write(void *ctx, const void *from, size_t n) {
    Tape &tape = *static_cast<Tape *>(ctx);
    if (tape.bytes.size() + n > tape.limit)
      return Status(LLMC_IO_ERROR);
    const uint8_t *p = static_cast<const uint8_t *>(from);
    tape.bytes.insert(tape.bytes.end(), p, p + n);
    return Status();
  }
  static Status read(void *ctx, void *to, size_t n) {
    Tape &tape = *static_cast<Tape *>(ctx);
    if (!rt::fits(tape.at, n, std::min(tape.limit, tape.bytes.size())))
      return Status(LLMC_IO_ERROR);
    std::memcpy(to, tape.bytes.data() + tape.at, n);
    tape.at += n;
    return Status();
  }
};

} // namespace

TEST_CASE("saving and restoring fail cleanly at any byte") {
  Model model;
  rt::Lm lm;
  REQUIRE(lm.init(model.session).ok());
  rt::Logits logits;
  REQUIRE(lm.feed({first.data(), first.size()}, &logits).ok());
  Tape whole;
  REQUIRE(lm.save(Tape::write, &whole).ok());
  const std::vector<float> expected = expectedLogits(joined());
  for (size_t limit = 0; limit < whole.bytes.size(); limit += 4) {
    Tape full;
    full.limit = limit;
    REQUIRE(int(lm.save(Tape::write, &full).code) == LLMC_IO_ERROR);
    REQUIRE(lm.position() == first.size());
  }
  REQUIRE(lm.feed({second.data(), second.size()}, &logits).ok()); // saving changed nothing
  CHECK(std::vector<float>(logits.data, logits.data + vocab) == expected);
  for (size_t limit = 0; limit < whole.bytes.size(); limit += 4) {
    Tape cut = whole;
    cut.limit = limit;
    REQUIRE(lm.reset().ok());
    REQUIRE(int(lm.restore(Tape::read, &cut).code) == LLMC_IO_ERROR);
    Status status = lm.feed({first.data(), 1}, &logits);
    if (status.ok()) // the header was not whole: nothing has been overwritten
      REQUIRE(std::vector<float>(logits.data, logits.data + vocab) == expectedLogits({first[0]}));
    REQUIRE((limit < 52 ? status.ok() : status == Status(LLMC_POISONED, LLMC_AT_SESSION)));
    REQUIRE(lm.reset().ok());
    REQUIRE(lm.position() == 0);
  }
  REQUIRE(lm.restore(Tape::read, &whole).ok());
  REQUIRE(lm.feed({second.data(), second.size()}, &logits).ok());
  CHECK(std::vector<float>(logits.data, logits.data + vocab) == expected);
}
