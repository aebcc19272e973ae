// From the model files of three exporters to the framework's logits: import, raise, evaluate.
#include "compiler/Support/Npy.h"
#include "test/unit/compiler/ScribeModel.h"

#include <cmath>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

using namespace llmc;
using namespace llmc::evaluate;
using namespace llmc::test;

namespace {

struct Expected {
  std::vector<int32_t> ids;
  NpyArray<float> logits;

  Expected() {
    std::string error;
    NpyArray<int64_t> wide;
    REQUIRE(readNpy(scribeFolder + "expected-ids.npy", wide, error));
    REQUIRE(readNpy(scribeFolder + "expected-logits.npy", logits, error));
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

} // namespace

TEST_CASE("three exporters' files give the framework's logits, whatever the chunks") {
  Expected expected;
  std::vector<float> first;
  for (const char *name : scribeModels) {
    INFO(name);
    ScribeModel model(name);
    Evaluator evaluator = model.evaluator();
    CHECK(evaluator.resultChannels() == scribeVocabulary);
    std::vector<float> whole = model.logits(evaluator, expected.ids, {expected.ids.size()});
    CHECK(largestError(whole, expected.logits.values) <= 2e-3);
    CHECK(model.logits(evaluator, expected.ids, {64, 16}) == whole);
    CHECK(model.logits(evaluator, expected.ids, {1}) == whole);
    if (first.empty())
      first = whole;
    CHECK(whole == first);
  }
}

TEST_CASE("the fp32 perplexity is the framework's") {
  Perplexity result = ScribeModel("fused-genai.onnx").perplexity(4096);
  CHECK(result.scoredTokens == 8 * 511);
  double framework = readScribeJson("perplexity.json").at("fp32");
  CHECK(std::fabs(result.perplexity / framework - 1) < 1e-4);
}

TEST_CASE("greedy decoding gives the framework's tokens") {
  ScribeModel model("decomposed-dynamo.onnx");
  Evaluator evaluator = model.evaluator();
  for (const auto &sample : readScribeJson("greedy-fp32.json")) {
    std::vector<int32_t> ids = sample.at("prompt_ids");
    const std::vector<int32_t> expected = sample.at("greedy_ids");
    EvaluatorState state(*model.module);
    std::vector<float> logits;
    std::vector<int32_t> generated;
    std::span<const int32_t> chunk = ids;
    while (generated.size() < expected.size()) {
      REQUIRE(mlir::succeeded(evaluator.run(chunk, state.length(), state, logits)));
      auto row = std::span(logits).last(scribeVocabulary);
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
  ScribeModel model("fused-genai-int4.onnx");
  Evaluator evaluator = model.evaluator(/*threads=*/1); // The mode is the calling thread's.
  std::vector<char> seen, seenFlushed, *record = &seen;
  evaluator.setTap([&](const TapValue &value) {
    record->insert(record->end(), value.data.begin(), value.data.end());
  });
  std::vector<float> kept = model.logits(evaluator, expected.ids, {64, 16});
  record = &seenFlushed;
  unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | flushAll);
  std::vector<float> flushed = model.logits(evaluator, expected.ids, {64, 16});
  _mm_setcsr(mode);
  CHECK(kept == flushed);
  CHECK(seen == seenFlushed);
  evaluator.setTap({});
  CHECK(model.logits(evaluator, expected.ids, {1}) == kept);
}
#endif
