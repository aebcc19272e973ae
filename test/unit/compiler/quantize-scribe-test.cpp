// A trained model, quantized by each recipe: perplexity against fp32, and what the graph's own
// grids become.
#include "passes/Quantization/WeightStatistics.h"
#include "test/unit/compiler/ScribeModel.h"

#include <map>

using namespace llmc;
using namespace llmc::evaluate;
using namespace llmc::test;

namespace {

constexpr size_t allTokens = 4096;

/// The largest allowed ratio of a recipe's perplexity to that of fp32.
struct Bound {
  const char *recipe;
  double ratio;
};

/// A ratio below 1 by more than chance is as wrong as one far above.
void checkRatios(std::initializer_list<Bound> bounds) {
  double fp32 = ScribeModel(scribeModels[0], "").perplexity(allTokens).perplexity;
  for (const Bound &bound : bounds) {
    double ratio =
        ScribeModel(scribeModels[0], bound.recipe).perplexity(allTokens).perplexity / fp32;
    INFO(bound.recipe << ": " << ratio << " times " << fp32);
    CHECK(ratio <= bound.ratio);
    CHECK(ratio >= 0.999);
  }
}

} // namespace

TEST_CASE("perplexity of the recipes that have a limit") {
  checkRatios({{"w8a8", 1.005}, {"w4a8-g32", 1.02}, {"w4a8-m32", 1.02}, {"w4a8", 1.02}});
}

// On demand: quantize-scribe-test -s "[.figures]" prints the ratios.
TEST_CASE("perplexity of every other recipe", "[.figures]") {
  checkRatios({{"w4a8-g64", 1.03},
               {"w4a8-g128", 1.03},
               {"w4a8-m16-all", 1.04},
               {"w4a8-m32-all", 1.04},
               {"w4a8-g32-all", 1.04},
               {"w4a8-g64-all", 1.04},
               {"w4a8-g128-all", 1.04}});
}

TEST_CASE("three exporters' files, quantized, give the same logits, whatever the chunks") {
  const std::vector<int32_t> ids = validationIds(81);
  for (const char *recipe : {"w8a8", "w4a8-m16", "w4a8-g64-all"}) {
    std::vector<float> first;
    for (const char *name : scribeModels) {
      INFO(name << " " << recipe);
      ScribeModel model(name, recipe);
      Evaluator evaluator = model.evaluator();
      std::vector<float> whole = model.logits(evaluator, ids, {ids.size()});
      CHECK(model.logits(evaluator, ids, {16}) == whole);
      CHECK(model.logits(evaluator, ids, {1}) == whole);
      if (first.empty())
        first = whole;
      CHECK(whole == first);
    }
  }
}

TEST_CASE("statistics order the formats by their rounding noise") {
  std::map<std::string, double> worst;
  for (const char *recipe : {"w8a8", "w4a8-m16", "w4a8-m32", "w4a8-g128"}) {
    ScribeModel model(scribeModels[2], recipe);
    double lowest = 1000;
    size_t rounded = 0;
    for (const passes::WeightStatistics &weight : passes::weightStatisticsOf(*model.module)) {
      REQUIRE(weight.values);
      CHECK(weight.values->absMax >= weight.values->rms);
      rounded += weight.rounding.has_value();
      if (std::optional<double> snr = weight.snrDb())
        lowest = std::min(lowest, *snr);
    }
    CHECK(rounded == 6 * 7 + 1); // Seven matrices a layer, and the tied table once.
    worst[recipe] = lowest;
  }
  // One bit is 6 dB; smaller groups have a smaller largest weight.
  CHECK(worst["w8a8"] > 35);
  CHECK(worst["w4a8-m16"] > worst["w4a8-m32"]);
  CHECK(worst["w4a8-m32"] > worst["w4a8-g128"]);
  CHECK(worst["w8a8"] > worst["w4a8-m16"] + 12);
  CHECK(worst["w4a8-g128"] > 10);
}

TEST_CASE("a graph's own grids are kept") {
  ScribeModel model("fused-genai-int4.onnx", "keep");
  double fp32 = ScribeModel(scribeModels[0], "").perplexity(1024).perplexity;
  double ratio = model.perplexity(1024).perplexity / fp32;
  INFO("keep: " << ratio << " times fp32, 1024 tokens");
  CHECK(ratio >= 0.999);
  CHECK(ratio <= 1.06);
}

TEST_CASE("a graph with grids is not quantized twice, one without has none to keep") {
  CHECK(ScribeModel("fused-genai-int4.onnx", "w4a8", false).errors.find("use the recipe 'keep'") !=
        std::string::npos);
  CHECK(ScribeModel(scribeModels[2], "keep", false).errors.find("keeps the graph's own grids") !=
        std::string::npos);
}
