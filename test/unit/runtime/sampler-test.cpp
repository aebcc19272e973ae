// Sampling: what may be drawn, how often, and the same again from the same seed.
#include "catch2/catch.hpp"

#include <cmath>
#include <limits>

#include "runtime/lm/sampler.h"
#include "test/unit/runtime/check_status.h"
#include "test/unit/runtime/plan_fixture.h"

using namespace llmc;
using namespace llmc::test;
using rt::Candidate;
using rt::Status;

TEST_CASE("pcg32 is the published generator") {
  rt::Pcg32 random(42, 54);
  for (uint32_t expected :
       {0xa15c02b7u, 0x7b47f409u, 0xba1d3330u, 0x83d2f293u, 0xbfa4784bu, 0xcbed606eu})
    CHECK(random.next() == expected);
}

namespace {

uint32_t draw(rt::Sampler &sampler, const std::vector<float> &logits) {
  std::vector<Candidate> scratch(logits.size());
  uint32_t id = 99;
  REQUIRE(
      sampler.sample({logits.data(), logits.size()}, {scratch.data(), scratch.size()}, &id).ok());
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
  const float logits[] = {1, 2, 3, 4, 5}, broken[] = {1, nan};
  Candidate two[2], five[5];
  for (size_t n = 0; n < 5; ++n)
    check(sampler.sample(logits, {five, n}, &id), LLMC_TOO_SMALL, LLMC_AT_SAMPLER, 2);
  CHECK(sampler.sample(logits, five, &id).ok());
  check(sampler.sample(broken, two, &id), LLMC_NOT_FINITE, LLMC_AT_LOGITS, 1);
  check(sampler.sample({}, two, &id), LLMC_INVALID_ARGUMENT, LLMC_AT_LOGITS, 0);
}
