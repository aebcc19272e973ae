// Recipes: names, rules, the file form and its errors.
#include "passes/Quantization/Recipe.h"

#include "catch2/catch.hpp"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace llmc::passes;

namespace {

Recipe recipeOrFail(llvm::Expected<Recipe> recipe) {
  if (!recipe)
    FAIL(llvm::toString(recipe.takeError()));
  return *recipe;
}

std::string errorOf(llvm::Expected<Recipe> recipe) {
  return recipe ? "no error" : llvm::toString(recipe.takeError());
}

std::string formatFor(const Recipe &recipe, std::string_view weight, WeightRole role) {
  const RecipeRule *rule = recipe.ruleFor(weight, role);
  if (!rule)
    return "no rule";
  return rule->format ? printWeightFormat(*rule->format) : "keep";
}

/// A recipe file around these rules.
std::string fileWith(const std::string &rules) {
  return R"({"name": "n", "weights": )" + rules +
         R"(, "activations": "i8-row", "kv_cache": "f16"})";
}

std::string ruleError(const std::string &rule) {
  return errorOf(parseRecipe(fileWith("[" + rule + "]")));
}

} // namespace

TEST_CASE("names give the formats of matrices, embedding and head") {
  struct Expected {
    std::string name, matrix, table;
  };
  const std::vector<Expected> all = {{"w8a8", "w8", "w8"},
                                     {"w4a8", "w4-m16", "w8"},
                                     {"w4a8-m16", "w4-m16", "w8"},
                                     {"w4a8-m32", "w4-m32", "w8"},
                                     {"w4a8-g32", "w4-g32", "w8"},
                                     {"w4a8-g64", "w4-g64", "w8"},
                                     {"w4a8-g128", "w4-g128", "w8"},
                                     {"w4a8-all", "w4-m16", "w4-m16"},
                                     {"w4a8-g64-all", "w4-g64", "w4-g64"},
                                     {"w8a8-all", "w8", "w8"},
                                     {"keep", "keep", "keep"}};
  for (const Expected &expected : all) {
    INFO(expected.name);
    std::optional<Recipe> recipe = recipeByName(expected.name);
    REQUIRE(recipe);
    for (WeightRole role : {WeightRole::None, WeightRole::Attention, WeightRole::Mlp})
      CHECK(formatFor(*recipe, "layers.0.q", role) == expected.matrix);
    for (WeightRole role : {WeightRole::Embedding, WeightRole::Head})
      CHECK(formatFor(*recipe, "embed", role) == expected.table);
    CHECK(recipe->kvCache == CacheFormat::F16);
  }
}

TEST_CASE("w4a8 is w4a8-m16") {
  CHECK(*recipeByName("w4a8") == *recipeByName("w4a8-m16"));
  CHECK(*recipeByName("w4a8-all") == *recipeByName("w4a8-m16-all"));
  CHECK_FALSE(*recipeByName("w4a8") == *recipeByName("w4a8-all"));
}

TEST_CASE("every listed name is a recipe that survives its file") {
  const std::vector<std::string> names = recipeNames();
  CHECK(names.size() == 15);
  for (const std::string &name : names) {
    INFO(name);
    std::optional<Recipe> recipe = recipeByName(name);
    REQUIRE(recipe);
    CHECK(recipeOrFail(parseRecipe(printRecipe(*recipe))) == *recipe);
    CHECK(recipeOrFail(loadRecipe(name)) == *recipe);
    CHECK(std::find(names.begin(), names.end(), recipe->name) != names.end());
  }
}

TEST_CASE("unknown names list the known ones") {
  for (const char *name : {"w4", "w4a8-m8", "-all", "keep-all", "w4a8-all-all", "W8A8"}) {
    CHECK_FALSE(recipeByName(name));
    CHECK(errorOf(loadRecipe(name))
              .find("unknown recipe '" + std::string(name) +
                    "'; known are w8a8, w4a8, w4a8-m16,") == 0);
  }
  CHECK_FALSE(recipeByName(""));
  CHECK(errorOf(loadRecipe("")).find("no recipe is named; known are w8a8, w4a8, w4a8-m16,") == 0);
}

TEST_CASE("the printed form") {
  CHECK(printRecipe(*recipeByName("w4a8-m32")) == R"({
  "name": "w4a8-m32",
  "weights": [
    {
      "role": "embedding",
      "format": "w8"
    },
    {
      "role": "head",
      "format": "w8"
    },
    {
      "weight": "*",
      "format": "w4-m32"
    }
  ],
  "activations": "i8-row",
  "kv_cache": "f16"
}
)");
}

TEST_CASE("the first rule that matches decides") {
  Recipe recipe = recipeOrFail(parseRecipe(fileWith(R"([
    {"weight": "layers.[03].*", "format": "w8"}, {"role": "mlp", "format": "w4-g32"},
    {"weight": "layers.{1,2}.q", "format": "w4-m16"}, {"weight": "layers.?.k", "format": "keep"}])")));
  CHECK(formatFor(recipe, "layers.0.up", WeightRole::Mlp) == "w8");
  CHECK(formatFor(recipe, "layers.1.up", WeightRole::Mlp) == "w4-g32");
  CHECK(formatFor(recipe, "layers.2.q", WeightRole::Attention) == "w4-m16");
  CHECK(formatFor(recipe, "layers.1.k", WeightRole::Attention) == "keep");
  CHECK(formatFor(recipe, "layers.11.k", WeightRole::Attention) == "no rule");
  CHECK(formatFor(recipe, "embed", WeightRole::Embedding) == "no rule");
}

TEST_CASE("errors name the place and what may stand there") {
  CHECK(errorOf(parseRecipe("{")) == "not JSON: error at byte 2");
  CHECK(errorOf(parseRecipe("[]")) == "$: must be an object");
  CHECK(errorOf(parseRecipe("{}")) == "$: key 'name' is missing");
  CHECK(errorOf(parseRecipe(R"({"name": "n", "name": "n"})")) ==
        "key 'name' occurs twice in one object");
  CHECK(errorOf(parseRecipe(R"({"title": "n"})")) ==
        "$: unknown key 'title'; known are name, weights, activations, kv_cache");
  CHECK(errorOf(parseRecipe(fileWith("[]"))) == "$.weights: must be a list of at least one rule");
  CHECK(errorOf(parseRecipe(fileWith("{}"))) == "$.weights: must be a list of at least one rule");
  CHECK(errorOf(parseRecipe(
            R"({"name": 1, "weights": [], "activations": "i8-row", "kv_cache": "f16"})")) ==
        "$.name: must be a text that is not empty");
  CHECK(errorOf(parseRecipe(
            R"({"name": "n", "weights": [], "activations": "i4", "kv_cache": "f16"})")) ==
        "$.activations: unknown format 'i4'; known are i8-row");
  CHECK(errorOf(parseRecipe(
            R"({"name": "n", "weights": [], "activations": "i8-row", "kv_cache": "i8"})")) ==
        "$.kv_cache: unknown format 'i8'; known are f32, f16");
}

TEST_CASE("errors of rules name the rule") {
  CHECK(ruleError(R"("w8")") == "$.weights[0]: must be an object");
  CHECK(ruleError(R"({"format": "w8"})") == "$.weights[0]: must have either 'role' or 'weight'");
  CHECK(ruleError(R"({"role": "mlp", "weight": "*", "format": "w8"})") ==
        "$.weights[0]: must have either 'role' or 'weight'");
  CHECK(ruleError(R"({"role": "mlp"})") == "$.weights[0]: key 'format' is missing");
  CHECK(ruleError(R"({"weight": "*", "format": "w8"}, {"role": "norm", "format": "w8"})") ==
        "$.weights[1].role: unknown role 'norm'; known are embedding, head, attention, mlp");
  CHECK(ruleError(R"({"weight": "a[", "format": "w8"})")
            .find("$.weights[0].weight: 'a[' is no pattern: ") == 0);
  CHECK(ruleError(R"({"role": "mlp", "size": 1, "format": "w8"})") ==
        "$.weights[0]: unknown key 'size'; known are role, weight, format");
  // Formats that exist, but that rounding is not defined for, are as unknown as any other.
  for (const char *format :
       {"w5", "w3", "w8-g32", "w4", "w4-f32", "w4-m", "w4-m0", "e2m1-e32", "none"})
    CHECK(ruleError(R"({"role": "mlp", "format": ")" + std::string(format) + "\"}")
              .find("$.weights[0].format: unknown format '" + std::string(format) +
                    "'; known are w8, w4-gN") == 0);
}

TEST_CASE("files are read, and named in errors") {
  llvm::SmallString<128> path;
  int descriptor = 0;
  REQUIRE_FALSE(llvm::sys::fs::createTemporaryFile("recipe", "json", descriptor, path));
  {
    llvm::raw_fd_ostream file(descriptor, /*shouldClose=*/true);
    file << printRecipe(*recipeByName("w4a8-g64"));
  }
  CHECK(recipeOrFail(loadRecipe(std::string(path))) == *recipeByName("w4a8-g64"));
  {
    std::error_code error;
    llvm::raw_fd_ostream file(path, error);
    file << "{}";
  }
  CHECK(errorOf(loadRecipe(std::string(path))) ==
        "recipe file " + std::string(path) + ": $: key 'name' is missing");
  llvm::sys::fs::remove(path);
  CHECK(errorOf(loadRecipe(std::string(path))).find("recipe file " + std::string(path) + ": ") ==
        0);
}
