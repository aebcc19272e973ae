// The language-model layer: results do not depend on how the tokens arrive, and sampling is reproducible.
#include "catch2/catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "plan_fixture.h"
#include "runtime/lm/lm.h"
#include "runtime/lm/sampler.h"
#include "runtime/plan/explain.h"

using namespace llmc;
using namespace llmc::test;
using rt::Candidate;
using rt::Lm;
using rt::Logits;
using rt::Status;

namespace {

void check(Status status, rt::Code code, rt::Where where, uint32_t detail) {
  INFO(rt::explain(status));
  CHECK(int(status.code) == int(code));
  CHECK(int(status.where) == int(where));
  CHECK(status.detail == detail);
}

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
  check(machine.lm.evaluate(span(someTokens(9)), refuse, nullptr), LLMC_IO_ERROR, LLMC_AT_LOGITS, 0);
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
  check(machine.lm.feed(span({1, 2, int32_t(vocab)}), &logits), LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, 2);
  check(machine.lm.feed(span({-1}), &logits), LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, 0);
  check(machine.lm.feed(span(someTokens(context + 1)), &logits), LLMC_CONTEXT_FULL, LLMC_AT_TOKEN, context);
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
      out.insert(out.end(), static_cast<const uint8_t *>(bytes), static_cast<const uint8_t *>(bytes) + n);
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
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
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
    check(machine.lm.evaluate(span(someTokens(4)), Collector::take, &collector), LLMC_NOT_FINITE, LLMC_AT_LOGITS, 3);
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

TEST_CASE("pcg32 is the published generator") {
  rt::Pcg32 random(42, 54);
  for (uint32_t expected : {0xa15c02b7u, 0x7b47f409u, 0xba1d3330u, 0x83d2f293u, 0xbfa4784bu, 0xcbed606eu})
    CHECK(random.next() == expected);
}

namespace {

uint32_t draw(rt::Sampler &sampler, const std::vector<float> &logits) {
  std::vector<Candidate> scratch(logits.size());
  uint32_t id = 99;
  REQUIRE(sampler.sample({logits.data(), logits.size()}, {scratch.data(), scratch.size()}, &id).ok());
  return id;
}

std::vector<double> shares(rt::SamplerOptions options, const std::vector<float> &logits) {
  rt::Sampler sampler;
  REQUIRE(sampler.init(options).ok());
  std::vector<double> counts(logits.size());
  for (int i = 0; i < 20000; ++i)
    counts[draw(sampler, logits)] += 1.0 / 20000;
  return counts;
}

} // namespace

TEST_CASE("greedy takes the largest, and the lowest id among equals") {
  rt::Sampler sampler;
  REQUIRE(sampler.init({}).ok());
  CHECK(draw(sampler, {1, 3, 2, 3}) == 1);
  CHECK(draw(sampler, {-0.0f, 0.0f}) == 0);
  uint32_t id = 0;
  const float logits[] = {1, 2};
  CHECK(sampler.sample(logits, {}, &id).ok()); // needs no scratch
  CHECK(id == 1);
}

TEST_CASE("draws follow the softmax of what is kept") {
  std::vector<float> logits = {std::log(0.1f), std::log(0.4f), std::log(0.3f), std::log(0.2f)};
  auto near = [](std::vector<double> got, std::vector<double> want) {
    for (size_t i = 0; i < want.size(); ++i)
      CHECK(got[i] == Approx(want[i]).margin(0.015));
  };
  rt::SamplerOptions options;
  options.temperature = 1;
  options.seed = 7;
  near(shares(options, logits), {0.1, 0.4, 0.3, 0.2});
  options.topK = 2;
  near(shares(options, logits), {0, 0.4 / 0.7, 0.3 / 0.7, 0});
  options.topK = 0;
  options.topP = 0.75f;
  near(shares(options, logits), {0, 0.4 / 0.9, 0.3 / 0.9, 0.2 / 0.9});
  options.topP = 1e-6f;
  near(shares(options, logits), {0, 1, 0, 0});
  options.topP = 1;
  options.temperature = 0.5f;
  near(shares(options, logits), {0.01 / 0.3, 0.16 / 0.3, 0.09 / 0.3, 0.04 / 0.3});
}

TEST_CASE("top-k keeps the lower ids among equals") {
  rt::SamplerOptions options;
  options.temperature = 1;
  options.topK = 2;
  std::vector<double> got = shares(options, {5, 5, 5, 1});
  CHECK(got[2] == 0);
  CHECK(got[0] > 0.45);
  CHECK(got[1] > 0.45);
}

TEST_CASE("a seed gives its sequence again") {
  std::vector<float> logits = expectedLogits({1, 2, 3});
  rt::SamplerOptions options;
  options.temperature = 40;
  options.topP = 0.9f;
  options.seed = 5;
  auto sequence = [&] {
    rt::Sampler sampler;
    REQUIRE(sampler.init(options).ok());
    std::vector<uint32_t> ids;
    for (int i = 0; i < 50; ++i)
      ids.push_back(draw(sampler, logits));
    return ids;
  };
  std::vector<uint32_t> first = sequence();
  CHECK(first == sequence());
  options.seed = 6;
  CHECK(first != sequence());
}

TEST_CASE("samplers refuse what they cannot use") {
  rt::Sampler sampler;
  auto init = [&](float temperature, float topP) {
    rt::SamplerOptions options;
    options.temperature = temperature;
    options.topP = topP;
    return sampler.init(options);
  };
  float nan = std::numeric_limits<float>::quiet_NaN();
  for (float bad : {-1.0f, nan, 1e-30f, 1e30f})
    check(init(bad, 1), LLMC_INVALID_ARGUMENT, LLMC_AT_SAMPLER, 0);
  for (float bad : {0.0f, 1.5f, nan, -1.0f})
    check(init(1, bad), LLMC_INVALID_ARGUMENT, LLMC_AT_SAMPLER, 1);
  REQUIRE(init(1, 1).ok());
  uint32_t id = 0;
  const float logits[] = {1, 2}, broken[] = {1, nan};
  Candidate one[1], two[2];
  check(sampler.sample(logits, one, &id), LLMC_TOO_SMALL, LLMC_AT_SAMPLER, 2);
  check(sampler.sample(broken, two, &id), LLMC_NOT_FINITE, LLMC_AT_LOGITS, 1);
  check(sampler.sample({}, two, &id), LLMC_INVALID_ARGUMENT, LLMC_AT_LOGITS, 0);
}
