// A trained model, quantized by each recipe: perplexity against fp32, and what the graph's own
// grids become.
#include "compiler/Evaluate/Evaluator.h"
#include "compiler/Evaluate/Perplexity.h"
#include "compiler/Import/Onnx/ImportOnnx.h"
#include "passes/Quantization/Pipeline.h"
#include "passes/Quantization/WeightStatistics.h"
#include "passes/Raising/RaisingPasses.h"

#include "catch2/catch.hpp"
#include "nlohmann/json.hpp"

#include <fstream>
#include <map>

using namespace llmc;
using namespace llmc::evaluate;

namespace {

const std::string folder = LLMC_TEST_DATA "/scribe-6m/";
constexpr int64_t context = 512, vocabulary = 4096;

/// The first ids of the validation text.
std::vector<int32_t> someIds(size_t count) {
  std::ifstream file(folder + "valid-ids.json");
  auto ids = nlohmann::json::parse(file).get<std::vector<int32_t>>();
  REQUIRE(ids.size() >= count);
  ids.resize(count);
  return ids;
}

/// A model file, imported and raised, then quantized unless the recipe is empty.
struct Model {
  mlir::MLIRContext mlir;
  std::string errors;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  Model(const std::string &name, const std::string &recipe, bool succeeds = true) {
    handler = std::make_unique<mlir::ScopedDiagnosticHandler>(
        &mlir, [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
            errors += diagnostic.str() + "\n";
          return mlir::success();
        });
    auto imported = importOnnx(folder + name, mlir);
    INFO(errors);
    REQUIRE(mlir::succeeded(imported));
    module = std::move(imported->module);
    mlir::PassManager manager(&mlir);
    passes::RaiseOptions options;
    options.context = context;
    passes::buildRaisePipeline(manager, options);
    if (!recipe.empty())
      passes::buildQuantizePipeline(manager, passes::recipeByName(recipe).value());
    bool ran = mlir::succeeded(manager.run(*module));
    CAPTURE(errors);
    REQUIRE(ran == succeeds);
  }

  /// Logits of `ids`, fed in chunks.
  std::vector<float> logits(std::span<const int32_t> ids, size_t chunk) {
    auto evaluator = Evaluator::create(*module, "main");
    REQUIRE(mlir::succeeded(evaluator));
    EvaluatorState state(*module);
    std::vector<float> all, part;
    for (size_t first = 0; first < ids.size(); first += chunk) {
      auto now = ids.subspan(first, std::min(chunk, ids.size() - first));
      REQUIRE(mlir::succeeded(evaluator->run(now, int64_t(first), state, part)));
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }

  double perplexityOf(size_t tokens) {
    auto evaluator = Evaluator::create(*module, "main");
    INFO(errors);
    REQUIRE(mlir::succeeded(evaluator));
    const std::vector<int32_t> ids = someIds(tokens);
    std::optional<EvaluatorState> state;
    std::string error;
    auto result = perplexity(
        ids, {vocabulary, context, 0},
        [&](std::span<const int32_t> chunk, int64_t position, std::vector<float> &logits) {
          if (position == 0)
            state.emplace(*module);
          return mlir::succeeded(evaluator->run(chunk, position, *state, logits));
        },
        error);
    INFO(error << errors);
    REQUIRE(result);
    return result->perplexity;
  }
};

const char *const models[] = {"decomposed-torchscript.onnx", "decomposed-dynamo.onnx",
                              "fused-genai.onnx"};
constexpr size_t allTokens = 4096;

/// The largest allowed ratio of a recipe's perplexity to that of fp32.
struct Bound {
  const char *recipe;
  double ratio;
};

/// A ratio below 1 by more than chance is as wrong as one far above.
void checkRatios(std::initializer_list<Bound> bounds) {
  double fp32 = Model(models[0], "").perplexityOf(allTokens);
  for (const Bound &bound : bounds) {
    double ratio = Model(models[0], bound.recipe).perplexityOf(allTokens) / fp32;
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
  const std::vector<int32_t> ids = someIds(81);
  for (const char *recipe : {"w8a8", "w4a8-m16", "w4a8-g64-all"}) {
    std::vector<float> first;
    for (const char *name : models) {
      INFO(name << " " << recipe);
      Model model(name, recipe);
      std::vector<float> whole = model.logits(ids, ids.size());
      CHECK(model.logits(ids, 16) == whole);
      CHECK(model.logits(ids, 1) == whole);
      if (first.empty())
        first = whole;
      CHECK(whole == first);
    }
  }
}

TEST_CASE("statistics order the formats by their rounding noise") {
  std::map<std::string, double> worst;
  for (const char *recipe : {"w8a8", "w4a8-m16", "w4a8-m32", "w4a8-g128"}) {
    Model model(models[2], recipe);
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
  Model model("fused-genai-int4.onnx", "keep");
  double fp32 = Model(models[0], "").perplexityOf(1024);
  double ratio = model.perplexityOf(1024) / fp32;
  INFO("keep: " << ratio << " times fp32, 1024 tokens");
  CHECK(ratio >= 0.999);
  CHECK(ratio <= 1.06);
}

TEST_CASE("a graph with grids is not quantized twice, one without has none to keep") {
  CHECK(Model("fused-genai-int4.onnx", "w4a8", false).errors.find("use the recipe 'keep'") !=
        std::string::npos);
  CHECK(Model(models[2], "keep", false).errors.find("keeps the graph's own grids") !=
        std::string::npos);
}
