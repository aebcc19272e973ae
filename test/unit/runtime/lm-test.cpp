// The language-model layer: results do not depend on how the tokens arrive.
#include "catch2/catch.hpp"

#include <algorithm>
#include <limits>

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

rt::Span<const int32_t> span(const Tokens &tokens, size_t from = 0, size_t n = SIZE_MAX) {
  return {tokens.data() + from, std::min(n, tokens.size() - from)};
}

struct Bound : Machine {
  Lm lm;
  explicit Bound(const PlanDescription &d = languageModel()) : Machine(d) {
    installModel(device);
    REQUIRE(bind().ok());
    REQUIRE(lm.init(session).ok());
  }
};

std::vector<float> copy(const Logits &logits) {
  return {logits.data, logits.data + size_t(logits.rows) * logits.vocab};
}

/// Names of the entries that ran, by their marks and their head kernels' row counts.
std::vector<uint32_t> chunksRun(const Machine &machine) {
  std::vector<uint32_t> chunks;
  for (const std::string &event : machine.events)
    for (uint32_t e = 0; e < machine.plan.nEntries(); ++e)
      if (event == std::to_string(machine.plan.entry(e).firstStep()) + " 14 0")
        chunks.push_back(machine.plan.entry(e).chunk());
  return chunks;
}

struct Collector {
  std::vector<float> values;
  std::vector<uint32_t> positions;
  static Status take(void *ctx, const Logits &logits) {
    Collector &c = *static_cast<Collector *>(ctx);
    for (uint32_t r = 0; r < logits.rows; ++r)
      c.positions.push_back(logits.position + r);
    c.values.insert(c.values.end(), logits.data, logits.data + size_t(logits.rows) * logits.vocab);
    return {};
  }
};

} // namespace

TEST_CASE("prompts of every length give the logits of the model") {
  for (uint32_t n = 1; n <= context; ++n) { // among them k * 16 +- 1 and k * 4 +- 1
    Bound machine;
    Tokens tokens = someTokens(n);
    Logits logits;
    REQUIRE(machine.lm.feed(span(tokens), &logits).ok());
    REQUIRE(logits.rows == 1);
    REQUIRE(logits.vocab == vocab);
    REQUIRE(logits.position == n - 1);
    REQUIRE(machine.lm.position() == n);
    REQUIRE(copy(logits) == expectedLogits(tokens));
  }
}

TEST_CASE("chunks are chosen greedily, the tail is padded, one token decodes") {
  using Chunks = std::vector<uint32_t>;
  auto run = [](uint32_t n, uint32_t start = 0) {
    Bound machine;
    Tokens tokens = someTokens(n + start);
    for (uint32_t i = 0; i < start; ++i)
      REQUIRE(machine.lm.feed(span(tokens, i, 1), nullptr).ok());
    machine.events.clear();
    REQUIRE(machine.lm.feed(span(tokens, start), nullptr).ok());
    return chunksRun(machine);
  };
  CHECK(run(1) == Chunks{1});
  CHECK(run(2) == Chunks{4});
  CHECK(run(4) == Chunks{4});
  CHECK(run(5) == Chunks{4, 1});
  CHECK(run(15) == Chunks{4, 4, 4, 4});
  CHECK(run(16) == Chunks{16});
  CHECK(run(17) == Chunks{16, 1});
  CHECK(run(31) == Chunks{16, 4, 4, 4, 4});
  CHECK(run(33) == Chunks{16, 16, 1});
  CHECK(run(7, 33) == Chunks{4, 4}); // past the last start of a chunk of 16
  CHECK(run(3, 37) == Chunks{4});
}

TEST_CASE("N ids per call, for every N, give the same logits") {
  Tokens tokens = someTokens(context, 3);
  std::vector<float> expected = expectedLogits(tokens);
  for (uint32_t n = 1; n <= 21; ++n) {
    Bound machine;
    Logits logits;
    for (uint32_t at = 0; at < context; at += n)
      REQUIRE(machine.lm.feed(span(tokens, at, n), &logits).ok());
    REQUIRE(copy(logits) == expected);
  }
}

TEST_CASE("evaluation gives every position, whatever the call size") {
  Tokens tokens = someTokens(context, 4);
  std::vector<float> expected;
  for (uint32_t n = 1; n <= context; ++n) {
    std::vector<float> row = expectedLogits({tokens.begin(), tokens.begin() + n});
    expected.insert(expected.end(), row.begin(), row.end());
  }
  for (uint32_t n : {1u, 3u, 4u, 15u, 16u, 17u, 38u, 40u}) {
    Bound machine;
    Collector collector;
    for (uint32_t at = 0; at < context; at += n)
      REQUIRE(machine.lm.evaluate(span(tokens, at, n), Collector::take, &collector).ok());
    REQUIRE(collector.positions.size() == context);
    for (uint32_t i = 0; i < context; ++i)
      REQUIRE(collector.positions[i] == i);
    REQUIRE((collector.values == expected));
  }
}

TEST_CASE("evaluation uses the wide head") {
  Bound machine;
  Collector collector;
  REQUIRE(machine.lm.evaluate(span(someTokens(16)), Collector::take, &collector).ok());
  auto heads = std::count_if(machine.device.log.begin(), machine.device.log.end(),
                             [](const auto &s) { return !s.isDma && s.kernel == 4; });
  CHECK(heads == 4);
}

TEST_CASE("an error of the receiver ends the evaluation") {
  Bound machine;
  auto refuse = [](void *, const Logits &) { return Status(LLMC_IO_ERROR, LLMC_AT_LOGITS); };
  check(machine.lm.evaluate(span(someTokens(9)), refuse, nullptr), LLMC_IO_ERROR, LLMC_AT_LOGITS,
        0);
  CHECK(machine.lm.reset().ok());
}

TEST_CASE("without blocking") {
  Bound machine;
  machine.device.pendingPolls = 2;
  Tokens tokens = someTokens(23);
  REQUIRE(machine.lm.start(span(tokens)).ok());
  check(machine.lm.start(span(tokens)), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
  Status status;
  uint32_t polls = 0;
  while ((status = machine.lm.poll()).pending())
    ++polls;
  REQUIRE(status.ok());
  CHECK(polls > 10);
  CHECK(machine.idles == 0);
  CHECK(copy(machine.lm.logits()) == expectedLogits(tokens));
}

TEST_CASE("cancelled between chunks, feeding goes on from the last complete one") {
  Bound machine;
  machine.device.pendingPolls = 1;
  Tokens tokens = someTokens(24);
  REQUIRE(machine.lm.start(span(tokens)).ok());
  while (machine.lm.position() < 16)
    REQUIRE(machine.lm.poll().pending());
  REQUIRE(machine.lm.cancel().ok());
  CHECK(machine.lm.position() == 16);
  Logits logits;
  REQUIRE(machine.lm.feed(span(tokens, 16), &logits).ok());
  CHECK(copy(logits) == expectedLogits(tokens));
}

TEST_CASE("bad calls change nothing") {
  Bound machine;
  Logits logits;
  check(machine.lm.feed({}, &logits), LLMC_INVALID_ARGUMENT, LLMC_AT_TOKEN, 0);
  check(machine.lm.feed(span({1, 2, int32_t(vocab)}), &logits), LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN,
        2);
  check(machine.lm.feed(span({-1}), &logits), LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, 0);
  check(machine.lm.feed(span(someTokens(context + 1)), &logits), LLMC_CONTEXT_FULL, LLMC_AT_TOKEN,
        context);
  CHECK(machine.device.log.empty());
  REQUIRE(machine.lm.feed(span(someTokens(context)), &logits).ok());
  check(machine.lm.feed(span({1}), &logits), LLMC_CONTEXT_FULL, LLMC_AT_TOKEN, 0);
  CHECK(machine.lm.position() == context);
}

TEST_CASE("truncated and fed again") {
  Bound machine;
  Tokens tokens = someTokens(20), other = tokens;
  Logits logits;
  REQUIRE(machine.lm.feed(span(tokens), &logits).ok());
  other.resize(13);
  other.push_back(1);
  other.push_back(2);
  REQUIRE(machine.lm.truncate(13).ok());
  REQUIRE(machine.lm.feed(span(other, 13), &logits).ok());
  CHECK(copy(logits) == expectedLogits(other));
  check(machine.lm.truncate(16), LLMC_OUT_OF_RANGE, LLMC_AT_PARAM, LLMC_P_POS);
  REQUIRE(machine.lm.reset().ok());
  CHECK(machine.lm.position() == 0);
}

TEST_CASE("saved and restored into another session") {
  Tokens tokens = someTokens(19);
  std::vector<uint8_t> saved;
  {
    Bound machine;
    REQUIRE(machine.lm.feed(span(tokens), nullptr).ok());
    auto write = [](void *ctx, const void *bytes, size_t n) {
      auto &out = *static_cast<std::vector<uint8_t> *>(ctx);
      out.insert(out.end(), static_cast<const uint8_t *>(bytes),
                 static_cast<const uint8_t *>(bytes) + n);
      return Status();
    };
    REQUIRE(machine.lm.save(write, &saved).ok());
  }
  CHECK(saved.size() == 48 + 4 + size_t(nLayers) * 19 * rowBytes);
  struct Reader {
    std::vector<uint8_t> bytes;
    size_t at = 0;
  };
  auto read = [](void *ctx, void *bytes, size_t n) {
    Reader &reader = *static_cast<Reader *>(ctx);
    if (n > reader.bytes.size() - reader.at)
      return Status(LLMC_IO_ERROR, LLMC_AT_SNAPSHOT);
    std::memcpy(bytes, &reader.bytes[reader.at], n);
    reader.at += n;
    return Status();
  };
  Bound machine;
  Reader reader{saved};
  SECTION("whole") {
    REQUIRE(machine.lm.restore(read, &reader).ok());
    CHECK(machine.lm.position() == 19);
    tokens.push_back(4);
    Logits logits;
    REQUIRE(machine.lm.feed(span({4}), &logits).ok());
    CHECK(copy(logits) == expectedLogits(tokens));
  }
  SECTION("cut short") {
    reader.bytes.pop_back();
    check(machine.lm.restore(read, &reader), LLMC_IO_ERROR, LLMC_AT_SNAPSHOT, 0);
    check(machine.lm.feed(span({4}), nullptr), LLMC_POISONED, LLMC_AT_SESSION, 0);
  }
  SECTION("of another model, layout, or no snapshot") {
    size_t at = GENERATE(0u, 12u, 16u, 48u);
    reader.bytes[at] ^= 1;
    check(machine.lm.restore(read, &reader), LLMC_DEVICE_MISMATCH, LLMC_AT_SNAPSHOT, 0);
    CHECK(machine.lm.feed(span({4}), nullptr).ok());
  }
  SECTION("a position beyond the context") {
    reader.bytes[8] = context + 1;
    check(machine.lm.restore(read, &reader), LLMC_OUT_OF_RANGE, LLMC_AT_SNAPSHOT, 0);
  }
}

TEST_CASE("logits that are not finite are an error") {
  for (float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    Bound machine;
    machine.device.kernels[4] = [bad](const ScriptedDevice::Submission &s) {
      float *logits = static_cast<float *>(s.operands[1].base);
      std::fill_n(logits, s.operands[1].size / 4, 1.0f);
      logits[s.operands[1].size / 4 - 1] = bad;
    };
    check(machine.lm.feed(span({1, 2}), nullptr), LLMC_NOT_FINITE, LLMC_AT_LOGITS, 0);
    check(machine.lm.feed(span({1}), nullptr), LLMC_POISONED, LLMC_AT_SESSION, 0);
    REQUIRE(machine.lm.reset().ok());
    Collector collector;
    check(machine.lm.evaluate(span(someTokens(4)), Collector::take, &collector), LLMC_NOT_FINITE,
          LLMC_AT_LOGITS, 3);
  }
}

TEST_CASE("a plan without decode or without a head is refused") {
  PlanDescription d = languageModel();
  SECTION("decode") { d.entries[decode1].kind = rt::EntryKind::Generic; }
  SECTION("head") { d.entries[head1].kind = rt::EntryKind::Generic; }
  SECTION("a head that cannot reach the last row") { d.entries[head1].rowMax = 14; }
  Machine machine(d);
  REQUIRE(machine.bind().ok());
  Lm lm;
  check(lm.init(machine.session), LLMC_NOT_FOUND, LLMC_AT_ENTRY, 5);
  check(lm.feed(span({1}), nullptr), LLMC_WRONG_STATE, LLMC_AT_SESSION, 0);
}
