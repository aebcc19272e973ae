#include "passes/Quantization/Recipe.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/MemoryBuffer.h"

#include <algorithm>
#include <array>

namespace llmc::passes {

namespace {

struct Shorthand {
  std::string_view name, format;
};

/// Every name also exists with the suffix -all. "w4a8" means the first of its kind.
constexpr std::array<Shorthand, 7> shorthands = {{
    {"w8a8", "w8"},
    {"w4a8", "w4-m16"},
    {"w4a8-m16", "w4-m16"},
    {"w4a8-m32", "w4-m32"},
    {"w4a8-g32", "w4-g32"},
    {"w4a8-g64", "w4-g64"},
    {"w4a8-g128", "w4-g128"},
}};

constexpr std::string_view allSuffix = "-all";

bool globMatches(const std::string &glob, std::string_view text) {
  llvm::Expected<llvm::GlobPattern> pattern = llvm::GlobPattern::create(glob, maxGlobAlternatives);
  if (!pattern) {
    llvm::consumeError(pattern.takeError());
    return false;
  }
  return pattern->match(llvm::StringRef(text));
}

Recipe recipeOf(const Shorthand &shorthand, bool all) {
  Recipe recipe;
  recipe.name = shorthand.name == "w4a8" ? "w4a8-m16" : std::string(shorthand.name);
  if (all)
    recipe.name += allSuffix;
  else if (shorthand.format != "w8")
    for (WeightRole role : {WeightRole::Embedding, WeightRole::Head})
      recipe.weights.push_back({role, "", parseWeightFormat("w8")});
  recipe.weights.push_back({WeightRole::None, "*", parseWeightFormat(shorthand.format)});
  return recipe;
}

} // namespace

std::string_view nameOf(WeightRole role) {
  constexpr std::array<std::string_view, 5> names = {"none", "embedding", "head", "attention",
                                                     "mlp"};
  return names[static_cast<size_t>(role)];
}

const RecipeRule *Recipe::ruleFor(std::string_view weight, WeightRole role) const {
  auto found = std::find_if(weights.begin(), weights.end(), [&](const RecipeRule &rule) {
    return rule.role == WeightRole::None ? globMatches(rule.weight, weight) : rule.role == role;
  });
  return found == weights.end() ? nullptr : &*found;
}

std::vector<std::string> recipeNames() {
  std::vector<std::string> names;
  for (std::string_view suffix : {std::string_view(), allSuffix})
    for (const Shorthand &shorthand : shorthands)
      names.push_back(std::string(shorthand.name) + std::string(suffix));
  names.push_back("keep");
  return names;
}

std::optional<Recipe> recipeByName(std::string_view name) {
  if (name == "keep")
    return Recipe{"keep", {{WeightRole::None, "*", std::nullopt}}};
  const bool all = name.ends_with(allSuffix);
  if (all)
    name.remove_suffix(allSuffix.size());
  for (const Shorthand &shorthand : shorthands)
    if (shorthand.name == name)
      return recipeOf(shorthand, all);
  return std::nullopt;
}

llvm::Expected<Recipe> loadRecipe(std::string_view nameOrFile) {
  const std::string argument(nameOrFile);
  if (nameOrFile.ends_with(".json")) {
    auto file = llvm::MemoryBuffer::getFile(argument, /*IsText=*/true);
    if (!file)
      return llvm::createStringError("recipe file " + argument + ": " + file.getError().message());
    llvm::Expected<Recipe> recipe = parseRecipe((*file)->getBuffer());
    if (!recipe)
      return llvm::createStringError("recipe file " + argument + ": " +
                                     llvm::toString(recipe.takeError()));
    return recipe;
  }
  if (std::optional<Recipe> recipe = recipeByName(nameOrFile))
    return *recipe;
  const std::string what =
      argument.empty() ? "no recipe is named" : "unknown recipe '" + argument + "'";
  return llvm::createStringError(what + "; known are " + llvm::join(recipeNames(), ", ") +
                                 ", and files ending in .json");
}

} // namespace llmc::passes
