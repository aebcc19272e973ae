// Perplexity against values computed by hand.
#include "compiler/Evaluate/Perplexity.h"

#include "catch2/catch.hpp"

#include <cmath>

using namespace llmc::evaluate;

namespace {

/// Prefers the id after the last one: logit log(3) for it, 0 for the others.
struct Counter {
  int64_t vocabulary;
  std::vector<std::pair<int64_t, size_t>> calls; ///< Position and ids of each call.

  LogitsFunction function() {
    return [this](std::span<const int32_t> ids, int64_t position, std::vector<float> &logits) {
      calls.push_back({position, ids.size()});
      logits.assign(ids.size() * size_t(vocabulary), 0.0f);
      for (size_t row = 0; row < ids.size(); ++row)
        logits[row * size_t(vocabulary) + size_t((ids[row] + 1) % vocabulary)] = std::log(3.0f);
      return true;
    };
  }
};

std::vector<int32_t> ascending(size_t count) {
  std::vector<int32_t> ids;
  for (size_t index = 0; index < count; ++index)
    ids.push_back(int32_t(index % 10));
  return ids;
}

} // namespace

TEST_CASE("a known distribution has its known perplexity") {
  Counter model{10, {}};
  std::string error;
  auto right = perplexity(ascending(10), {10, 512, 0}, model.function(), error);
  REQUIRE(right);
  CHECK(right->perplexity == Approx(12.0 / 3).epsilon(1e-6));
  CHECK(right->tokens == 10);
  CHECK(right->scoredTokens == 9);
  auto wrong = perplexity(std::vector<int32_t>(4, 5), {10, 512, 0}, model.function(), error);
  REQUIRE(wrong);
  CHECK(wrong->perplexity == Approx(12.0).epsilon(1e-6));
}

TEST_CASE("windows start empty, are fed in chunks and score all but their first id") {
  Counter model{10, {}};
  std::string error;
  auto result = perplexity(ascending(1025), {10, 2048, 200}, model.function(), error);
  REQUIRE(result);
  CHECK(result->tokens == 1025);
  CHECK(result->scoredTokens == 2 * 511); // The last id is alone in its window.
  CHECK(model.calls == std::vector<std::pair<int64_t, size_t>>{
                           {0, 200}, {200, 200}, {400, 112}, {0, 200}, {200, 200}, {400, 112}});
  CHECK(result->perplexity == Approx(4.0).epsilon(1e-6));
  model.calls.clear();
  result = perplexity(ascending(25), {10, 8, 0}, model.function(), error);
  REQUIRE(result);
  CHECK(result->scoredTokens == 21);
  CHECK(model.calls.size() == 3);
}

TEST_CASE("large logits do not overflow") {
  std::vector<float> logits = {1000.0f, 1000.0f, -1000.0f};
  CHECK(negativeLogLikelihood(logits, 0) == Approx(std::log(2.0)));
  CHECK(negativeLogLikelihood(logits, 2) == Approx(2000 + std::log(2.0)));
}

TEST_CASE("perplexity refuses what it cannot score") {
  Counter model{10, {}};
  std::string error;
  CHECK_FALSE(perplexity(std::vector<int32_t>{1}, {10, 512, 0}, model.function(), error));
  CHECK_THAT(error, Catch::Contains("at least 2 tokens"));
  CHECK_FALSE(perplexity(std::vector<int32_t>{1, 10}, {10, 512, 0}, model.function(), error));
  CHECK_THAT(error, Catch::Contains("id 10 at index 1") && Catch::Contains("10 ids"));
  CHECK_FALSE(perplexity(std::vector<int32_t>{1, 2}, {10, 1, 0}, model.function(), error));
  CHECK_FALSE(perplexity(
      std::vector<int32_t>{1, 2}, {10, 512, 0},
      [](std::span<const int32_t>, int64_t, std::vector<float> &) { return false; }, error));
  CHECK(error.empty());
}
