#include "compiler/Import/Tokenizer/TokenizerJson.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "compiler/Import/Tokenizer/ByteAlphabet.h"
#include "compiler/Import/Tokenizer/TokenizerStages.h"
#include "compiler/Import/Tokenizer/UnicodeClasses.h"
#include "runtime/tokenizer/utf8.h"

namespace llmc {

namespace {

using Json = nlohmann::json;
using Failure = std::optional<TokenizerError>;

/// Above every published vocabulary; keeps one stray id from blowing up the tables.
constexpr uint64_t maxId = (1u << 22) - 1;

Failure fail(const std::string &message) { return TokenizerError{message}; }

const Json &member(const Json &object, const char *key) {
  static const Json null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

bool isTrue(const Json &object, const char *key) { return member(object, key) == Json(true); }

std::string shorten(const Json &value) {
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() <= 80 ? text : text.substr(0, 77) + "...";
}

class Importer {
public:
  explicit Importer(const Json &document) : document(document), model(member(document, "model")) {}

  TokenizerResult<ImportedTokenizer> run(const TokenizerConfig &config) {
    if (Failure failure = checkModel())
      return *failure;
    auto stages = readTokenizerStages(document);
    if (auto *error = std::get_if<TokenizerError>(&stages))
      return *error;
    for (auto step : {&Importer::readVocab, &Importer::readAddedTokens, &Importer::readByteIds,
                      &Importer::readMerges})
      if (Failure failure = (this->*step)())
        return *failure;
    if (Failure failure = setEnds(config, std::get<TokenizerStages>(stages)))
      return *failure;
    return finish(std::get<TokenizerStages>(stages));
  }

private:
  Failure checkModel() const;
  Failure readVocab();
  Failure readAddedTokens();
  Failure readAddedToken(const Json &token);
  Failure checkAddedOverlap() const;
  Failure readByteIds();
  Failure readMerges();
  Failure readMerge(const Json &merge, size_t rank);
  Failure setEnds(const TokenizerConfig &config, const TokenizerStages &stages);
  TokenizerResult<ImportedTokenizer> finish(const TokenizerStages &stages);

  Failure setToken(const std::string &text, const Json &id, const std::string &where);
  std::string decodedBytes(const std::string &text) const {
    return alphabet.toBytes(text).value_or(text);
  }

  const Json &document;
  const Json &model;
  ByteAlphabet alphabet;
  std::unordered_map<std::string, uint32_t>
      vocab; // the vocabulary's strings, without tokens that are only added
  std::unordered_map<uint64_t, size_t> pairs; // left << 32 | right to the place in out.model.merges
  ImportedTokenizer out;
};

Failure Importer::checkModel() const {
  const Json &type = member(model, "type");
  if (!model.is_object() ||
      (type != "BPE" && !(type.is_null() && member(model, "merges").is_array())))
    return fail("model: type " + shorten(type) + " is not supported; only byte-level BPE is");
  if (isTrue(model, "byte_fallback"))
    return fail("model: byte_fallback is not supported; only byte-level BPE is");
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!member(model, key).is_null() && member(model, key) != "")
      return fail(std::string("model: ") + key + " " + shorten(member(model, key)) +
                  " is not supported");
  const Json &dropout = member(model, "dropout");
  if (!dropout.is_null() && !(dropout.is_number() && dropout.get<double>() == 0))
    return fail("model: dropout " + shorten(dropout) + " is not supported; set it to null");
  if (!member(model, "vocab").is_object() || !member(model, "merges").is_array())
    return fail("model: needs an object vocab and a list merges");
  return {};
}

/// Gives `id` the bytes of `text`; the id may be known already, with the same text.
Failure Importer::setToken(const std::string &text, const Json &id, const std::string &where) {
  if (!id.is_number_unsigned() || id.get<uint64_t>() > maxId)
    return fail(where + ": token " + shorten(text) + " has id " + shorten(id) +
                "; ids are integers from 0 to " + std::to_string(maxId));
  if (text.empty())
    return fail(where + ": id " + shorten(id) + " is the empty string");
  const size_t index = id.get<size_t>();
  auto &tokens = out.model.tokens;
  if (index >= tokens.size())
    tokens.resize(index + 1);
  const std::string bytes = decodedBytes(text);
  if (!tokens[index].empty() && tokens[index] != bytes)
    return fail(where + ": id " + shorten(id) + " belongs to two tokens, the second is " +
                shorten(text));
  tokens[index] = bytes;
  return {};
}

Failure Importer::readVocab() {
  for (const auto &[text, id] : member(model, "vocab").items()) {
    if (Failure failure = setToken(text, id, "model.vocab"))
      return failure;
    vocab.emplace(text, id.get<uint32_t>());
  }
  if (vocab.empty())
    return fail("model.vocab: is empty");
  out.model.ignoreMerges = isTrue(model, "ignore_merges");
  if (out.model.ignoreMerges)
    for (const auto &[text, id] : vocab)
      if (alphabet.toBytes(text))
        out.model.wholeWords.push_back(id);
  return {};
}

Failure Importer::readAddedToken(const Json &token) {
  const Json &content = member(token, "content");
  if (!token.is_object() || !content.is_string())
    return fail("added_tokens: " + shorten(token) + " has no content");
  const std::string text = content.get<std::string>();
  if (isTrue(token, "single_word"))
    return fail("added_tokens: " + shorten(content) + " is single_word, which is not supported");
  if (Failure failure = setToken(text, member(token, "id"), "added_tokens"))
    return failure;
  const uint32_t id = member(token, "id").get<uint32_t>();
  const auto known = vocab.find(text);
  if (known != vocab.end() && known->second != id)
    return fail("added_tokens: " + shorten(content) + " has id " + std::to_string(id) +
                " here and " + std::to_string(known->second) + " in model.vocab");
  for (const TokenizerModel::Added &other : out.model.added)
    if (other.id == id || other.content == text)
      return fail("added_tokens: " + shorten(content) + " with id " + std::to_string(id) +
                  " stands twice");
  out.model.added.push_back({id, text, isTrue(token, "special"), isTrue(token, "normalized"),
                             isTrue(token, "lstrip"), isTrue(token, "rstrip")});
  return {};
}

bool startsWithSpace(const std::string &text) {
  const auto c = rt::tok::readUtf8(reinterpret_cast<const uint8_t *>(text.data()), text.size());
  const auto after = std::upper_bound(
      unicodeClassRuns.begin(), unicodeClassRuns.end(), c.codePoint,
      [](uint32_t codePoint, uint32_t run) { return codePoint < (run & 0xFFFFFF); });
  return *(after - 1) >> 24 == rt::tok::ClassSpace;
}

/// Where one token swallows the white space that another one is, the library finds both in the same
/// text.
Failure Importer::checkAddedOverlap() const {
  for (const TokenizerModel::Added &eater : out.model.added)
    for (const TokenizerModel::Added &eaten : out.model.added)
      if (eater.stripRight && eaten.normalized == eater.normalized &&
          startsWithSpace(eaten.content))
        return fail("added_tokens: " + shorten(eater.content) + " has rstrip and " +
                    shorten(eaten.content) +
                    " starts with white space, which is not supported together; clear rstrip");
  return {};
}

Failure Importer::readAddedTokens() {
  const Json &added = member(document, "added_tokens");
  if (!added.is_null() && !added.is_array())
    return fail("added_tokens: expected a list");
  for (const Json &token : added)
    if (Failure failure = readAddedToken(token))
      return failure;
  return checkAddedOverlap();
}

Failure Importer::readByteIds() {
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const std::string &character = alphabet.character(static_cast<uint8_t>(byte));
    const auto found = vocab.find(character);
    if (found == vocab.end())
      return fail("model.vocab: byte " + std::to_string(byte) + " has no token " +
                  shorten(character) + "; a byte-level vocabulary has all 256");
    out.model.byteIds[byte] = found->second;
  }
  return {};
}

/// A pair given twice keeps its last rank, as in the library the file is made for.
Failure Importer::readMerge(const Json &merge, size_t rank) {
  const std::string where = "model.merges: entry " + std::to_string(rank) + " " + shorten(merge);
  std::string left, right;
  if (merge.is_string()) {
    const std::string text = merge.get<std::string>();
    const size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
      return fail(where + " is not two tokens with one space between");
    left = text.substr(0, space);
    right = text.substr(space + 1);
  } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
             merge[1].is_string()) {
    left = merge[0].get<std::string>();
    right = merge[1].get<std::string>();
  } else {
    return fail(where + " is neither \"a b\" nor [\"a\", \"b\"]");
  }
  const auto a = vocab.find(left), b = vocab.find(right), whole = vocab.find(left + right);
  if (a == vocab.end() || b == vocab.end() || whole == vocab.end())
    return fail(where + " names a token that model.vocab lacks");
  if (!alphabet.toBytes(left) || !alphabet.toBytes(right))
    return fail(where + " has characters outside the byte-level alphabet");
  const uint64_t key = uint64_t(a->second) << 32 | b->second;
  auto &merges = out.model.merges;
  if (const auto [place, isNew] = pairs.emplace(key, merges.size()); !isNew) {
    merges[place->second].result = rt::tok::NoId; // taken out by readMerges
    place->second = merges.size();
    out.notes.push_back(where + " stands twice; the last one counts");
  }
  merges.push_back({a->second, b->second, whole->second});
  return {};
}

Failure Importer::readMerges() {
  size_t rank = 0;
  for (const Json &merge : member(model, "merges"))
    if (Failure failure = readMerge(merge, rank++))
      return failure;
  std::erase_if(out.model.merges, [](const auto &merge) { return merge.result == rt::tok::NoId; });
  return {};
}

Failure Importer::setEnds(const TokenizerConfig &config, const TokenizerStages &stages) {
  const size_t size = out.model.tokens.size();
  const auto check = [size](uint32_t id, const std::string &what) -> Failure {
    if (id < size)
      return {};
    return fail(what + " " + std::to_string(id) + " is outside the vocabulary of " +
                std::to_string(size) + " tokens");
  };
  out.model.bos = config.bos;
  out.model.eos = config.eos;
  if (stages.leadingId) {
    if (config.bos && *config.bos != *stages.leadingId)
      out.notes.push_back("post_processor puts id " + std::to_string(*stages.leadingId) +
                          " first, " + config.bosSource + " says bos is " +
                          std::to_string(*config.bos) + "; the former counts");
    out.model.bos = stages.leadingId;
    out.model.addsBos = true;
  }
  if (out.model.bos)
    if (Failure failure = check(*out.model.bos, "bos id"))
      return failure;
  for (const uint32_t id : out.model.eos)
    if (Failure failure = check(id, "eos id"))
      return failure;
  return {};
}

TokenizerResult<ImportedTokenizer> Importer::finish(const TokenizerStages &stages) {
  out.model.pattern = stages.pattern;
  out.model.digitSplit = stages.digitSplit;
  out.model.classRuns.assign(unicodeClassRuns.begin(), unicodeClassRuns.end());
  out.model.unicode = unicodeVersion;
  out.notes.insert(out.notes.end(), stages.notes.begin(), stages.notes.end());
  auto segment = writeTokenizerSegment(out.model);
  if (auto *error = std::get_if<TokenizerError>(&segment))
    return *error;
  out.segment = std::move(std::get<std::vector<uint8_t>>(segment));
  out.description = "byte-level BPE, pattern " + std::string(patternName(stages.pattern)) + ", " +
                    std::to_string(out.model.tokens.size()) + " ids, " +
                    std::to_string(out.model.merges.size()) + " merges, " +
                    std::to_string(out.model.added.size()) + " added tokens";
  return std::move(out);
}

} // namespace

TokenizerResult<ImportedTokenizer>
importTokenizerJson(std::string_view json, const TokenizerConfig &config, const std::string &name) {
  const Json document = Json::parse(json, nullptr, false);
  if (!document.is_object())
    return TokenizerError{name +
                          ": not a JSON object; the file is damaged or not a tokenizer.json"};
  auto result = Importer(document).run(config);
  if (auto *error = std::get_if<TokenizerError>(&result))
    error->message.insert(0, name + ": ");
  return result;
}

TokenizerResult<ImportedTokenizer> importTokenizer(const std::filesystem::path &folder) {
  const std::filesystem::path path = folder / "tokenizer.json";
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return TokenizerError{path.string() + ": cannot be read; encoding and decoding text need it"};
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto config = readTokenizerConfig(folder);
  if (auto *error = std::get_if<TokenizerError>(&config))
    return *error;
  return importTokenizerJson(text, std::get<TokenizerConfig>(config), path.string());
}

} // namespace llmc
