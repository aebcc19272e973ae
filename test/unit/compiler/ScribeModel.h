// The trained model of the tests: imported, raised, quantized, evaluated.
#pragma once

#include "compiler/Evaluate/Evaluator.h"
#include "compiler/Evaluate/Perplexity.h"
#include "compiler/Import/Onnx/ImportOnnx.h"
#include "passes/Quantization/Pipeline.h"
#include "passes/Raising/RaisingPasses.h"

#include "catch2/catch.hpp"
#include "nlohmann/json.hpp"

#include <fstream>

namespace llmc::test {

inline const std::string scribeFolder = LLMC_TEST_DATA "/scribe-6m/";
inline constexpr int64_t scribeContext = 512, scribeVocabulary = 4096;
/// Three exporters' files of it.
inline constexpr const char *scribeModels[] = {"decomposed-torchscript.onnx",
                                               "decomposed-dynamo.onnx", "fused-genai.onnx"};

inline nlohmann::json readScribeJson(const std::string &name) {
  std::ifstream file(scribeFolder + name);
  REQUIRE(file.good());
  return nlohmann::json::parse(file);
}

/// The first ids of the validation text.
inline std::vector<int32_t> validationIds(size_t count) {
  auto ids = readScribeJson("valid-ids.json").get<std::vector<int32_t>>();
  REQUIRE(ids.size() >= count);
  ids.resize(count);
  return ids;
}

/// A model file, imported and raised, then quantized unless the recipe is empty. Errors are
/// collected, not printed.
struct ScribeModel {
  mlir::MLIRContext mlir;
  std::string errors;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  explicit ScribeModel(const std::string &name, const std::string &recipe = "",
                       bool succeeds = true) {
    handler = std::make_unique<mlir::ScopedDiagnosticHandler>(
        &mlir, [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
            errors += diagnostic.str() + "\n";
          return mlir::success();
        });
    auto imported = importOnnx(scribeFolder + name, mlir);
    INFO(errors);
    REQUIRE(mlir::succeeded(imported));
    module = std::move(imported->module);
    mlir::PassManager manager(&mlir);
    passes::RaiseOptions options;
    options.context = scribeContext;
    passes::buildRaisePipeline(manager, options);
    if (!recipe.empty())
      passes::buildQuantizePipeline(manager, passes::recipeByName(recipe).value());
    bool ran = mlir::succeeded(manager.run(*module));
    CAPTURE(errors);
    REQUIRE(ran == succeeds);
  }

  evaluate::Evaluator evaluator(unsigned threads = 0) {
    auto created = evaluate::Evaluator::create(*module, "main", threads);
    INFO(errors);
    REQUIRE(mlir::succeeded(created));
    return std::move(*created);
  }

  /// Logits of `ids`, fed in chunks of the given sizes; the last size repeats.
  std::vector<float> logits(evaluate::Evaluator &by, std::span<const int32_t> ids,
                            std::vector<size_t> sizes) {
    evaluate::EvaluatorState state(*module);
    std::vector<float> all, part;
    for (size_t first = 0, call = 0; first < ids.size(); ++call) {
      size_t count = std::min(sizes[std::min(call, sizes.size() - 1)], ids.size() - first);
      bool ran = mlir::succeeded(by.run(ids.subspan(first, count), int64_t(first), state, part));
      INFO(errors);
      REQUIRE(ran);
      all.insert(all.end(), part.begin(), part.end());
      first += count;
    }
    return all;
  }

  evaluate::Perplexity perplexity(size_t tokens) {
    evaluate::Evaluator by = evaluator();
    const std::vector<int32_t> ids = validationIds(tokens);
    std::optional<evaluate::EvaluatorState> state;
    std::string error;
    auto result = evaluate::perplexity(
        ids, {scribeVocabulary, scribeContext, 0},
        [&](std::span<const int32_t> chunk, int64_t position, std::vector<float> &logits) {
          if (position == 0)
            state.emplace(*module);
          return mlir::succeeded(by.run(chunk, position, *state, logits));
        },
        error);
    INFO(error << errors);
    REQUIRE(result);
    return *result;
  }
};

} // namespace llmc::test
