// Recipes as JSON. docs/guides/recipes.md describes the form.
#include "passes/Quantization/Recipe.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/GlobPattern.h"

#include <nlohmann/json.hpp>

#include <array>
#include <set>

namespace llmc::passes {

namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr std::string_view keepName = "keep";
constexpr std::string_view i8RowName = "i8-row";
constexpr std::array<std::string_view, 2> cacheNames = {"f32", "f16"};
constexpr std::array<WeightRole, 4> roles = {WeightRole::Embedding, WeightRole::Head,
                                             WeightRole::Attention, WeightRole::Mlp};

/// Rounding to nearest is defined for these.
bool canRoundTo(const WeightFormat &format) {
  return format == WeightFormat{WeightElement::I8, 0, WeightScale::F32} ||
         (format.element == WeightElement::I4 &&
          (format.scale == WeightScale::F16 || format.scale == WeightScale::IntMultiplierTimesRow));
}

/// Reads one document; the first error stays.
class RecipeReader {
public:
  std::string error;

  Recipe read(const Json &json) {
    Recipe recipe;
    if (!checkKeys(json, "$", {"name", "weights", "activations", "kv_cache"}))
      return recipe;
    recipe.name = text(json, "$", "name");
    std::string activations = text(json, "$", "activations");
    if (error.empty() && activations != i8RowName)
      fail("$.activations", unknown("format", activations) + std::string(i8RowName));
    recipe.kvCache = cacheOf(text(json, "$", "kv_cache"));
    const Json *rules = member(json, "$", "weights");
    if (!rules)
      return recipe;
    if (!rules->is_array() || rules->empty())
      fail("$.weights", "must be a list of at least one rule");
    else
      for (const Json &rule : *rules)
        recipe.weights.push_back(
            ruleOf(rule, "$.weights[" + std::to_string(recipe.weights.size()) + "]"));
    return recipe;
  }

private:
  void fail(const std::string &path, const std::string &what) {
    if (error.empty())
      error = path + ": " + what;
  }

  static std::string unknown(const char *what, const std::string &name) {
    return std::string("unknown ") + what + " '" + name + "'; known are ";
  }

  bool checkKeys(const Json &json, const std::string &path, const std::vector<std::string> &known) {
    if (!json.is_object())
      fail(path, "must be an object");
    else
      for (const auto &[key, value] : json.items())
        if (std::find(known.begin(), known.end(), key) == known.end())
          fail(path, unknown("key", key) + llvm::join(known, ", "));
    return error.empty();
  }

  const Json *member(const Json &json, const std::string &path, const std::string &key) {
    auto found = json.find(key);
    if (found != json.end())
      return &*found;
    fail(path, "key '" + key + "' is missing");
    return nullptr;
  }

  std::string text(const Json &json, const std::string &path, const std::string &key) {
    const Json *value = member(json, path, key);
    if (value && (!value->is_string() || value->get_ref<const std::string &>().empty()))
      fail(path + "." + key, "must be a text that is not empty");
    return value && value->is_string() ? value->get<std::string>() : std::string();
  }

  CacheFormat cacheOf(const std::string &name) {
    auto found = std::find(cacheNames.begin(), cacheNames.end(), name);
    if (found == cacheNames.end())
      fail("$.kv_cache", unknown("format", name) + llvm::join(cacheNames, ", "));
    return found == cacheNames.begin() ? CacheFormat::F32 : CacheFormat::F16;
  }

  RecipeRule ruleOf(const Json &json, const std::string &path) {
    RecipeRule rule;
    if (!checkKeys(json, path, {"role", "weight", "format"}))
      return rule;
    if (json.contains("role") == json.contains("weight")) {
      fail(path, "must have either 'role' or 'weight'");
      return rule;
    }
    if (json.contains("role"))
      rule.role = roleOf(text(json, path, "role"), path + ".role");
    else
      rule.weight = globOf(text(json, path, "weight"), path + ".weight");
    rule.format = formatOf(text(json, path, "format"), path + ".format");
    return rule;
  }

  WeightRole roleOf(const std::string &name, const std::string &path) {
    std::vector<std::string_view> known;
    for (WeightRole role : roles) {
      if (nameOf(role) == name)
        return role;
      known.push_back(nameOf(role));
    }
    fail(path, unknown("role", name) + llvm::join(known, ", "));
    return WeightRole::None;
  }

  std::string globOf(std::string glob, const std::string &path) {
    llvm::Expected<llvm::GlobPattern> pattern =
        llvm::GlobPattern::create(glob, maxGlobAlternatives);
    if (!pattern)
      fail(path, "'" + glob + "' is no pattern: " + llvm::toString(pattern.takeError()));
    return glob;
  }

  std::optional<WeightFormat> formatOf(const std::string &name, const std::string &path) {
    if (name == keepName)
      return std::nullopt;
    std::optional<WeightFormat> format = parseWeightFormat(name);
    if (!format || !canRoundTo(*format))
      fail(path, unknown("format", name) +
                     "w8, w4-gN (an fp16 scale per N weights), w4-mN (an integer multiplier per "
                     "N), keep");
    return format;
  }
};

/// The document, or an error: broken syntax, or a key that occurs twice in one object.
llvm::Expected<Json> readDocument(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  std::string duplicate;
  auto watch = [&](int, Json::parse_event_t event, Json &value) {
    if (event == Json::parse_event_t::object_start)
      keys.emplace_back();
    else if (event == Json::parse_event_t::object_end)
      keys.pop_back();
    else if (event == Json::parse_event_t::key &&
             !keys.back().insert(value.get<std::string>()).second)
      duplicate = value.get<std::string>();
    return true;
  };
  try {
    Json json = Json::parse(text, watch);
    if (duplicate.empty())
      return json;
    return llvm::createStringError("key '" + duplicate + "' occurs twice in one object");
  } catch (const Json::parse_error &broken) {
    return llvm::createStringError("not JSON: error at byte " + std::to_string(broken.byte));
  }
}

} // namespace

llvm::Expected<Recipe> parseRecipe(std::string_view json) {
  llvm::Expected<Json> document = readDocument(json);
  if (!document)
    return document.takeError();
  RecipeReader reader;
  Recipe recipe = reader.read(*document);
  if (!reader.error.empty())
    return llvm::createStringError(reader.error);
  return recipe;
}

std::string printRecipe(const Recipe &recipe) {
  OrderedJson json;
  json["name"] = recipe.name;
  json["weights"] = OrderedJson::array();
  for (const RecipeRule &rule : recipe.weights) {
    OrderedJson entry;
    if (rule.role == WeightRole::None)
      entry["weight"] = rule.weight;
    else
      entry["role"] = nameOf(rule.role);
    entry["format"] = rule.format ? printWeightFormat(*rule.format) : std::string(keepName);
    json["weights"].push_back(entry);
  }
  json["activations"] = i8RowName;
  json["kv_cache"] = cacheNames[static_cast<size_t>(recipe.kvCache)];
  return json.dump(2) + "\n";
}

} // namespace llmc::passes
