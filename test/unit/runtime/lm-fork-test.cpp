// Sessions that start from the tokens of another, such as a system prompt, which is only read.
#include "catch2/catch.hpp"

#include <algorithm>

#include "runtime/lm/lm.h"
#include "test/unit/runtime/check_status.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Lm;
using rt::Logits;
using rt::Status;

namespace {

using Tokens = std::vector<int32_t>;

/// One more session of a machine's plan, with its own device, and its own memory or another's.
struct Reader {
  ScriptedDevice device;
  std::vector<Memory> memories;
  rt::Session session;
  Lm lm;

  explicit Reader(const Machine &of, const std::vector<Memory> *shared = nullptr) {
    installModel(device);
    for (const rt::Region &region : of.plan.regions())
      memories.emplace_back(size_t(region.size));
    std::vector<llmc_memory> views = viewsOf(shared ? *shared : memories);
    views[flashRegion] = of.memories[flashRegion].view(); // constants are every session's
    const llmc_device *devices[] = {&device.table};
    rt::Bindings bindings;
    bindings.memories = {views.data(), views.size()};
    bindings.devices = devices;
    REQUIRE(session.bind(of.plan, bindings).ok());
    REQUIRE(lm.init(session).ok());
  }
  Reader(const Reader &) = delete;

  std::vector<float> feed(const Tokens &tokens, size_t from) {
    Logits logits;
    REQUIRE(lm.feed({tokens.data() + from, tokens.size() - from}, &logits).ok());
    return {logits.data, logits.data + logits.vocab};
  }
};

Tokens joined(const Tokens &first, size_t n, uint32_t seed) {
  Tokens all(first.begin(), first.begin() + long(n));
  const Tokens more = someTokens(7, seed);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<uint8_t> bytesOf(const Memory &memory) {
  return {memory.data(), memory.data() + memory.size()};
}

} // namespace

TEST_CASE("sessions go on from any part of a prefix, which does not change") {
  Machine machine(languageModel());
  Reader prefix(machine), one(machine), other(machine);
  const Tokens system = someTokens(21);
  (void)prefix.feed(system, 0);
  const std::vector<uint8_t> state = bytesOf(prefix.memories[dramRegion]);
  for (uint32_t n = 0; n <= system.size(); ++n) {
    const Tokens first = joined(system, n, 5), second = joined(system, n, 9);
    REQUIRE(one.lm.fork(prefix.lm, n).ok());
    REQUIRE(other.lm.fork(prefix.lm, n).ok());
    REQUIRE((one.lm.position() == n && prefix.lm.position() == system.size()));
    REQUIRE(one.feed(first, n) == expectedLogits(first));
    REQUIRE(other.feed(second, n) == expectedLogits(second));
    REQUIRE(bytesOf(prefix.memories[dramRegion]) == state);
  }
  const Tokens whole = joined(system, system.size(), 3); // and goes on itself
  CHECK(prefix.feed(whole, system.size()) == expectedLogits(whole));
}

TEST_CASE("only the rows of the tokens are copied, and caches are told") {
  Machine machine(languageModel());
  Reader prefix(machine), fork(machine);
  (void)prefix.feed(someTokens(9), 0);
  const std::vector<uint8_t> before = bytesOf(fork.memories[dramRegion]);
  const std::vector<uint8_t> from = bytesOf(prefix.memories[dramRegion]);
  prefix.device.calls.clear();
  fork.device.calls.clear();
  REQUIRE(fork.lm.fork(prefix.lm, 4).ok());
  const std::vector<uint8_t> after = bytesOf(fork.memories[dramRegion]);
  for (size_t i = 0; i < after.size(); ++i)
    REQUIRE(after[i] == (i % layerBytes < 4 * rowBytes ? from[i] : before[i]));
  auto has = [](const ScriptedDevice &device, const char *call) {
    return std::count(device.calls.begin(), device.calls.end(), call) > 0;
  };
  CHECK((has(prefix.device, "invalidate") && !has(prefix.device, "clean")));
  CHECK((has(fork.device, "clean")));
}

TEST_CASE("sessions that take turns on one memory copy nothing") {
  Machine machine(languageModel());
  Reader prefix(machine);
  const Tokens system = someTokens(13);
  (void)prefix.feed(system, 0);
  Reader turn(machine, &prefix.memories);
  const std::vector<uint8_t> state = bytesOf(prefix.memories[dramRegion]);
  REQUIRE(turn.lm.fork(prefix.lm, 13).ok());
  CHECK(bytesOf(prefix.memories[dramRegion]) == state);
  const Tokens whole = joined(system, 13, 4);
  CHECK(turn.feed(whole, 13) == expectedLogits(whole));
}

TEST_CASE("what cannot be a prefix is refused") {
  Machine machine(languageModel()), foreign(languageModel());
  Reader prefix(machine), fork(machine), stranger(foreign);
  (void)prefix.feed(someTokens(6), 0);
  check(fork.lm.fork(prefix.lm, 7), LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_POS);
  check(fork.lm.fork(fork.lm, 0), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  check(stranger.lm.fork(prefix.lm, 6), LLMC_DEVICE_MISMATCH, LLMC_AT_SNAPSHOT, 0);
  Lm unbound;
  check(unbound.fork(prefix.lm, 1), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  check(fork.lm.fork(unbound, 0), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  const int32_t id = 3;
  for (Lm *busy : {&prefix.lm, &fork.lm}) {
    prefix.device.pendingPolls = fork.device.pendingPolls = 1;
    REQUIRE(busy->start({&id, 1}).ok());
    check(fork.lm.fork(prefix.lm, 2), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
    REQUIRE(busy->cancel().ok());
    prefix.device.pendingPolls = fork.device.pendingPolls = 0;
  }
  CHECK(fork.lm.position() == 0);
  const Tokens whole = joined(someTokens(6), 6, 8);
  REQUIRE(fork.lm.fork(prefix.lm, 6).ok());
  CHECK(fork.feed(whole, 6) == expectedLogits(whole));
}

TEST_CASE("a prefix that failed is none, and poisons who asks for it") {
  Machine machine(languageModel());
  Reader prefix(machine), fork(machine);
  (void)prefix.feed(someTokens(6), 0);
  (void)prefix.session.poison(Status(LLMC_DEVICE_FAULT, LLMC_AT_DEVICE));
  check(fork.lm.fork(prefix.lm, 6), LLMC_POISONED, LLMC_AT_SESSION, 0);
  check(fork.lm.fork(prefix.lm, 6), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  REQUIRE((fork.lm.reset().ok() && prefix.lm.reset().ok()));
  const Tokens tokens = someTokens(5);
  CHECK(fork.feed(tokens, 0) == expectedLogits(tokens));
}
