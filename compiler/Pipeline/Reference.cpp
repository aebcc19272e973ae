// A model on the reference evaluator, behind the compiler's facade.
#include "compiler/Evaluate/Evaluator.h"
#include "compiler/Pipeline/Compiler.h"
#include "compiler/Pipeline/Frontend.h"

#include <fmt/format.h>

using namespace mlir;

namespace llmc {

namespace {

class Reference : public ReferenceModel {
public:
  Reference(std::unique_ptr<FrontendModel> loaded, evaluate::Evaluator evaluator)
      : model(std::move(loaded)), evaluator(std::move(evaluator)), state(model->module()) {}

  uint32_t vocabulary() const override { return uint32_t(evaluator.resultChannels()); }
  uint32_t context() const override { return model->contextLength; }
  void reset() override { state.truncate(0); }

  bool feed(std::span<const int32_t> ids, std::vector<float> &logits, std::string &error) override {
    if (uint64_t(state.length()) + ids.size() > context()) {
      error = fmt::format("{} ids behind position {} exceed the context of {} tokens", ids.size(),
                          state.length(), context());
      return false;
    }
    for (size_t i = 0; i < ids.size(); ++i)
      if (ids[i] < 0 || uint32_t(ids[i]) >= vocabulary()) {
        error = fmt::format("id {} at index {} is outside the vocabulary of {} tokens", ids[i], i,
                            vocabulary());
        return false;
      }
    std::vector<float> rows;
    if (failed(evaluator.run(ids, state.length(), state, rows))) {
      error = model->log->errorText("evaluation failed");
      return false;
    }
    logits.insert(logits.end(), rows.begin(), rows.end());
    return true;
  }

private:
  std::unique_ptr<FrontendModel> model;
  evaluate::Evaluator evaluator;
  evaluate::EvaluatorState state;
};

} // namespace

std::unique_ptr<ReferenceModel> loadReference(const ReferenceOptions &options, std::string &error) {
  std::unique_ptr<FrontendModel> model =
      loadModel({options.model, options.quant, /*quantize=*/false, options.context}, error);
  if (!model)
    return nullptr;
  FailureOr<evaluate::Evaluator> evaluator = evaluate::Evaluator::create(model->module(), "main");
  if (failed(evaluator)) {
    error = model->log->errorText("the reference evaluator cannot run this model");
    return nullptr;
  }
  return std::make_unique<Reference>(std::move(model), std::move(*evaluator));
}

std::optional<std::string> recipeText(const std::string &name, std::string &error) {
  llvm::Expected<passes::Recipe> recipe = passes::loadRecipe(name);
  if (recipe)
    return passes::printRecipe(*recipe);
  error = llvm::toString(recipe.takeError());
  return std::nullopt;
}

} // namespace llmc
