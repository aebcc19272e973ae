// From the model files of three exporters to the framework's logits: import, raise, evaluate.
#include "compiler/Evaluate/Evaluator.h"
#include "compiler/Evaluate/Perplexity.h"
#include "compiler/Import/Onnx/ImportOnnx.h"
#include "compiler/Support/Npy.h"
#include "passes/Raising/RaisingPasses.h"

#include "catch2/catch.hpp"
#include "nlohmann/json.hpp"

#include <cmath>
#include <fstream>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

using namespace llmc;
using namespace llmc::evaluate;

namespace {

const std::string folder = LLMC_TEST_DATA "/scribe-6m/";
const char *const models[] = {"decomposed-torchscript.onnx", "decomposed-dynamo.onnx",
                              "fused-genai.onnx"};
constexpr int64_t context = 512;

/// A model file, imported and raised, with its evaluator.
struct Model {
  mlir::MLIRContext mlir;
  std::string errors;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::optional<Evaluator> evaluator;

  explicit Model(const std::string &name, unsigned threads = 0) {
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
    bool raised = mlir::succeeded(manager.run(*module));
    CAPTURE(errors);
    REQUIRE(raised);
    auto created = Evaluator::create(*module, "main", threads);
    CAPTURE(errors);
    REQUIRE(mlir::succeeded(created));
    evaluator = std::move(*created);
  }

  /// Logits of `ids`, fed in chunks of the given sizes; the last size repeats.
  std::vector<float> logits(std::span<const int32_t> ids, std::vector<size_t> sizes) {
    EvaluatorState state(*module);
    std::vector<float> all, part;
    for (size_t first = 0, call = 0; first < ids.size(); ++call) {
      size_t count = std::min(sizes[std::min(call, sizes.size() - 1)], ids.size() - first);
      bool ran =
          mlir::succeeded(evaluator->run(ids.subspan(first, count), int64_t(first), state, part));
      INFO(errors);
      REQUIRE(ran);
      all.insert(all.end(), part.begin(), part.end());
      first += count;
    }
    return all;
  }
};

struct Expected {
  std::vector<int32_t> ids;
  NpyArray<float> logits;

  Expected() {
    std::string error;
    NpyArray<int64_t> wide;
    REQUIRE(readNpy(folder + "expected-ids.npy", wide, error));
    REQUIRE(readNpy(folder + "expected-logits.npy", logits, error));
    ids.assign(wide.values.begin(), wide.values.end());
  }
};

double largestError(const std::vector<float> &got, const std::vector<float> &want) {
  REQUIRE(got.size() == want.size());
  double largest = 0;
  for (size_t index = 0; index < got.size(); ++index)
    largest = std::max(largest, std::fabs(double(got[index]) - double(want[index])));
  return largest;
}

nlohmann::json readJson(const std::string &name) {
  std::ifstream file(folder + name);
  REQUIRE(file.good());
  return nlohmann::json::parse(file);
}

} // namespace

TEST_CASE("three exporters' files give the framework's logits, whatever the chunks") {
  Expected expected;
  std::vector<float> first;
  for (const char *name : models) {
    INFO(name);
    Model model(name);
    CHECK(model.evaluator->resultChannels() == 4096);
    std::vector<float> whole = model.logits(expected.ids, {expected.ids.size()});
    CHECK(largestError(whole, expected.logits.values) <= 2e-3);
    CHECK(model.logits(expected.ids, {64, 16}) == whole);
    CHECK(model.logits(expected.ids, {1}) == whole);
    if (first.empty())
      first = whole;
    CHECK(whole == first);
  }
}

TEST_CASE("the fp32 perplexity is the framework's") {
  Model model("fused-genai.onnx");
  std::vector<int32_t> ids = readJson("valid-ids.json").get<std::vector<int32_t>>();
  ids.resize(4096);
  std::optional<EvaluatorState> state;
  std::string error;
  auto result = perplexity(
      ids, {4096, context, 0},
      [&](std::span<const int32_t> chunk, int64_t position, std::vector<float> &logits) {
        if (position == 0)
          state.emplace(*model.module);
        return mlir::succeeded(model.evaluator->run(chunk, position, *state, logits));
      },
      error);
  INFO(error << model.errors);
  REQUIRE(result);
  CHECK(result->scoredTokens == 8 * 511);
  double framework = readJson("perplexity.json").at("fp32");
  CHECK(std::fabs(result->perplexity / framework - 1) < 1e-4);
}

TEST_CASE("greedy decoding gives the framework's tokens") {
  Model model("decomposed-dynamo.onnx");
  for (const auto &sample : readJson("greedy-fp32.json")) {
    std::vector<int32_t> ids = sample.at("prompt_ids");
    const std::vector<int32_t> expected = sample.at("greedy_ids");
    EvaluatorState state(*model.module);
    std::vector<float> logits;
    std::vector<int32_t> generated;
    std::span<const int32_t> chunk = ids;
    while (generated.size() < expected.size()) {
      REQUIRE(mlir::succeeded(model.evaluator->run(chunk, state.length(), state, logits)));
      auto row = std::span(logits).last(4096);
      generated.push_back(int32_t(std::max_element(row.begin(), row.end()) - row.begin()));
      chunk = std::span(generated).last(1);
    }
    CHECK(generated == expected);
  }
}

#ifdef __x86_64__
TEST_CASE("no result of a quantized program depends on the flushing of subnormals") {
  constexpr unsigned flushAll = 0x8040; // Results and operands.
  Expected expected;
  Model model("fused-genai-int4.onnx", /*threads=*/1); // The mode is the calling thread's.
  std::vector<char> seen, seenFlushed, *record = &seen;
  model.evaluator->setTap([&](const TapValue &value) {
    record->insert(record->end(), value.data.begin(), value.data.end());
  });
  std::vector<float> kept = model.logits(expected.ids, {64, 16});
  record = &seenFlushed;
  unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | flushAll);
  std::vector<float> flushed = model.logits(expected.ids, {64, 16});
  _mm_setcsr(mode);
  CHECK(kept == flushed);
  CHECK(seen == seenFlushed);
  model.evaluator->setTap({});
  CHECK(model.logits(expected.ids, {1}) == kept);
}
#endif
