// Pass llmc-choose-formats: the recipe's format for every weight.
#include "passes/Quantization/ChooseFormats.h"

#include "passes/Quantization/WeightUses.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_CHOOSEFORMATSPASS
#include "passes/Quantization/ChooseFormats.h.inc"

namespace {

/// What the first use of a weight has decided.
struct Decision {
  const RecipeRule *rule;
  WeightRole role;
};

std::string textOf(const RecipeRule &rule) {
  return rule.format ? printWeightFormat(*rule.format) : "keep";
}

class FormatChooser {
public:
  FormatChooser(ModuleOp module, const Recipe &recipe)
      : module(module), recipe(recipe), symbols(module) {}

  LogicalResult run() {
    for (const WeightUse &use : findWeightUses(module))
      if (failed(choose(use)))
        return failure();
    return success();
  }

private:
  LogicalResult choose(const WeightUse &use) {
    auto get = use.weight.getDefiningOp<lm::GetOp>();
    auto weight = get ? symbols.lookup<lm::WeightOp>(get.getWeight()) : lm::WeightOp();
    if (!weight)
      return use.op->emitOpError() << "reads a weight that is no lm.get of an lm.weight; formats "
                                      "are chosen before llmc-specialize";
    const RecipeRule *rule = recipe.ruleFor(weight.getSymName(), use.role);
    if (!rule)
      return use.op->emitOpError()
             << "reads @" << weight.getSymName() << " (role " << nameOf(use.role)
             << "), which no rule of recipe '" << recipe.name
             << "' matches; end its rules with one for the weight \"*\"";
    if (failed(checkGrid(use, weight, *rule)))
      return failure();
    auto [known, first] = decisions.try_emplace(weight, Decision{rule, use.role});
    if (known->second.rule->format != rule->format)
      return use.op->emitOpError()
             << "reads @" << weight.getSymName() << ", for which recipe '" << recipe.name
             << "' says " << textOf(*rule) << " as " << nameOf(use.role) << " and "
             << textOf(*known->second.rule) << " as " << nameOf(known->second.role)
             << "; a tied table is stored once, give both roles one format";
    if (rule->format)
      weight.setFormatAttr(toAttribute(module.getContext(), *rule->format));
    return success();
  }

  LogicalResult checkGrid(const WeightUse &use, lm::WeightOp weight, const RecipeRule &rule) {
    if (use.quantized && rule.format)
      return use.op->emitOpError()
             << "reads @" << weight.getSymName() << ", which the graph brings quantized; recipe '"
             << recipe.name << "' says " << textOf(rule)
             << ", but no weight is quantized twice: use the recipe 'keep'";
    if (!use.quantized && !rule.format)
      return use.op->emitOpError()
             << "reads @" << weight.getSymName() << " in fp32, and recipe '" << recipe.name
             << "' keeps the graph's own grids; use a recipe that gives it a format";
    return success();
  }

  ModuleOp module;
  const Recipe &recipe;
  SymbolTable symbols;
  DenseMap<Operation *, Decision> decisions;
};

struct ChooseFormatsPass : impl::ChooseFormatsPassBase<ChooseFormatsPass> {
  using ChooseFormatsPassBase::ChooseFormatsPassBase;
  explicit ChooseFormatsPass(Recipe given) : chosen(std::move(given)) { recipe = chosen->name; }

  LogicalResult initialize(MLIRContext *context) override {
    if (chosen)
      return success();
    llvm::Expected<Recipe> loaded = loadRecipe(recipe);
    if (!loaded)
      return emitError(UnknownLoc::get(context)) << llvm::toString(loaded.takeError());
    chosen = std::move(*loaded);
    return success();
  }

  void runOnOperation() override {
    if (failed(FormatChooser(getOperation(), *chosen).run()))
      signalPassFailure();
  }

  std::optional<Recipe> chosen;
};

} // namespace

std::unique_ptr<Pass> createChooseFormatsPass(Recipe recipe) {
  return std::make_unique<ChooseFormatsPass>(std::move(recipe));
}

} // namespace llmc::passes
