// A recipe: which format every weight gets, and how activations and the cache are held.
#pragma once

#include "passes/Algorithms/WeightFormat.h"

#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmc::passes {

/// What a weight does in the program.
enum class WeightRole : uint8_t {
  None,      ///< None of the following; matched by name only.
  Embedding, ///< Its rows are gathered by token id.
  Head,      ///< Computes the logits.
  Attention, ///< Computes q, k, v, or follows attention.
  Mlp,       ///< Feeds a gated activation, or follows one.
};

std::string_view nameOf(WeightRole role);

/// One rule: weights of a role, or of names that match a glob, get a format.
struct RecipeRule {
  WeightRole role = WeightRole::None; ///< None: `weight` decides.
  std::string weight;                 ///< A glob over symbol names: * ? [a-z] {a,b}.
  std::optional<WeightFormat> format; ///< Nothing: keep the grid that the graph brings.

  bool operator==(const RecipeRule &) const = default;
};

enum class ActivationFormat : uint8_t { I8Row }; ///< Dynamic int8, one scale a row.
enum class CacheFormat : uint8_t { F32, F16 };

/// Braces of a glob may expand to so many alternatives.
inline constexpr size_t maxGlobAlternatives = 1024;

struct Recipe {
  std::string name;
  std::vector<RecipeRule> weights; ///< The first rule that matches decides.
  ActivationFormat activations = ActivationFormat::I8Row;
  CacheFormat kvCache = CacheFormat::F16;

  bool operator==(const Recipe &) const = default;

  /// The rule for a weight, or null.
  const RecipeRule *ruleFor(std::string_view weight, WeightRole role) const;
};

/// Names that stand for recipes, in the order to list them.
std::vector<std::string> recipeNames();
std::optional<Recipe> recipeByName(std::string_view name);

/// Strict: an error names the place in the file as a JSON path, and what may stand there.
llvm::Expected<Recipe> parseRecipe(std::string_view json);
/// The file that parseRecipe reads back.
std::string printRecipe(const Recipe &recipe);

/// A recipe by its name, or from the file where the argument ends in .json.
llvm::Expected<Recipe> loadRecipe(std::string_view nameOrFile);

} // namespace llmc::passes
