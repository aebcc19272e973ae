// What fails around a session: the device at every step, a cancel at every step, saving and
// restoring at every byte. Nothing is corrupt afterwards: a reset gives the same results again.
#include "catch2/catch.hpp"

#include <algorithm>

#include "runtime/lm/lm.h"
#include "runtime/schema/explain.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Call;
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
      steps.push_back({rt::StepOp::Yield, 0, 0, 0});
  }
  at.push_back(uint32_t(steps.size()));
  for (rt::Step &step : steps) {
    const bool loops = step.op == rt::StepOp::LoopBegin || step.op == rt::StepOp::LoopParam ||
                       step.op == rt::StepOp::LoopEnd;
    if (loops)
      step.b = at[step.b];
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
