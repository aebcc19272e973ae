#include "compiler/Import/Tokenizer/TokenizerConfig.h"

#include <algorithm>
#include <fstream>

#include <nlohmann/json.hpp>

namespace llmc {

namespace {

using Json = nlohmann::json;

/// One id or a list of ids; nothing for null or an absent key.
std::optional<std::string> readIds(const Json &object, const char *key,
                                   std::vector<uint32_t> &ids) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null())
    return std::nullopt;
  const Json list = found->is_array() ? *found : Json::array({*found});
  for (const Json &id : list) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= rt::tok::NoId)
      return std::string(key) + " is " + id.dump() +
             "; expected an id or a list of ids, none negative";
    if (std::find(ids.begin(), ids.end(), id.get<uint32_t>()) == ids.end())
      ids.push_back(id.get<uint32_t>());
  }
  return std::nullopt;
}

/// Fills what `config` lacks from one file.
std::optional<TokenizerError> readFile(const std::filesystem::path &path, const char *inner,
                                       TokenizerConfig &config) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return TokenizerError{path.string() + ": cannot be read"};
  const Json json = Json::parse(file, nullptr, false);
  if (!json.is_object() || (*inner != 0 && (!json.contains(inner) || !json[inner].is_object())))
    return TokenizerError{path.string() + ": not a JSON object" +
                          (*inner != 0 ? std::string(" with an object \"") + inner + "\"" : "") +
                          "; export it again"};
  const Json &object = *inner != 0 ? json[inner] : json;
  std::vector<uint32_t> bos, eos;
  for (auto [key, ids] : {std::pair{"bos_token_id", &bos}, std::pair{"eos_token_id", &eos}})
    if (const auto error = readIds(object, key, *ids))
      return TokenizerError{path.string() + ": " + *error};
  if (bos.size() > 1)
    return TokenizerError{path.string() + ": bos_token_id lists several ids; one can begin a text"};
  if (config.bosSource.empty() && !bos.empty()) {
    config.bos = bos[0];
    config.bosSource = path.filename().string();
  }
  if (config.eosSource.empty() && !eos.empty()) {
    config.eos = eos;
    config.eosSource = path.filename().string();
  }
  return std::nullopt;
}

} // namespace

TokenizerResult<TokenizerConfig> readTokenizerConfig(const std::filesystem::path &folder) {
  struct Source {
    const char *name, *inner;
  };
  static constexpr Source sources[] = {
      {"generation_config.json", ""}, {"genai_config.json", "model"}, {"config.json", ""}};
  TokenizerConfig config;
  for (const Source &source : sources) {
    std::error_code ignored;
    if (!std::filesystem::exists(folder / source.name, ignored))
      continue;
    if (const auto error = readFile(folder / source.name, source.inner, config))
      return *error;
  }
  return config;
}

} // namespace llmc
