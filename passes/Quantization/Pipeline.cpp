#include "passes/Quantization/Pipeline.h"

#include "passes/Quantization/ChooseFormats.h"
#include "passes/Quantization/CollectWeightStatistics.h"
#include "passes/Quantization/QuantizeKvCache.h"
#include "passes/Quantization/RoundWeights.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace llmc::passes {

namespace {

struct QuantizeOptions : PassPipelineOptions<QuantizeOptions> {
  Option<std::string> recipe{*this, "recipe", llvm::cl::init("w4a8-m16"),
                             llvm::cl::desc("Name of a recipe, or a recipe file ending in .json")};
};

using ErrorHandler = function_ref<LogicalResult(const Twine &)>;

LogicalResult parseAndBuild(OpPassManager &manager, StringRef text, ErrorHandler onError) {
  QuantizeOptions options;
  if (failed(options.parseFromString(text)))
    return failure();
  llvm::Expected<Recipe> recipe = loadRecipe(options.recipe.getValue());
  if (!recipe)
    return onError(llvm::toString(recipe.takeError()));
  buildQuantizePipeline(manager, *recipe);
  return success();
}

} // namespace

void buildQuantizePipeline(OpPassManager &manager, const Recipe &recipe, const DoneReading &done) {
  manager.addPass(createChooseFormatsPass(recipe));
  manager.addPass(createCollectWeightStatisticsPass(done));
  manager.addPass(createRoundWeightsPass(done));
  if (recipe.kvCache == CacheFormat::F16)
    manager.addPass(createQuantizeKvCachePass());
}

void registerQuantizationPasses() {
  registerChooseFormatsPass();
  registerCollectWeightStatisticsPass();
  registerRoundWeightsPass();
  registerQuantizeKvCachePass();
  registerPassPipeline(
      "llmc-quantize", "Quantize weights, activations and the cache by a recipe", parseAndBuild,
      [](function_ref<void(const detail::PassOptions &)> visit) { visit(QuantizeOptions()); });
}

} // namespace llmc::passes
