// What a tokenizer.json may say, and the one error it gets for everything else.
#include <filesystem>
#include <fstream>
#include <random>

#include <nlohmann/json.hpp>

#include "catch2/catch.hpp"
#include "compiler/Import/Tokenizer/ByteAlphabet.h"
#include "compiler/Import/Tokenizer/TokenizerJson.h"
#include "runtime/tokenizer/tokenizer.h"

using namespace llmc;
using nlohmann::json;

namespace {

const std::filesystem::path scribe = std::filesystem::path(LLMC_TEST_DATA) / "scribe-6m";

/// The smallest complete file: 256 bytes, "he" and "the", one special token.
json smallJson() {
  json vocab;
  const ByteAlphabet alphabet;
  for (uint32_t byte = 0; byte < 256; ++byte)
    vocab[alphabet.character(static_cast<uint8_t>(byte))] = byte;
  vocab["he"] = 256;
  vocab["the"] = 257;
  vocab["\u0120the"] = 258;
  return {{"model",
           {{"type", "BPE"},
            {"vocab", vocab},
            {"merges", {"h e", "t he", "\u0120 the"}},
            {"unk_token", nullptr}}},
          {"added_tokens", {{{"id", 259}, {"content", "<s>"}, {"special", true}}}},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"post_processor", nullptr}};
}

std::string errorOf(const json &document, const TokenizerConfig &config = {}) {
  const auto result = importTokenizerJson(document.dump(), config, "t.json");
  const auto *error = std::get_if<TokenizerError>(&result);
  return error != nullptr ? error->message : "accepted";
}

ImportedTokenizer accepted(const json &document, const TokenizerConfig &config = {}) {
  auto result = importTokenizerJson(document.dump(), config, "t.json");
  if (const auto *error = std::get_if<TokenizerError>(&result))
    FAIL(error->message);
  return std::get<ImportedTokenizer>(result);
}

/// A folder of its own, removed at the end.
struct Folder {
  Folder()
      : path(std::filesystem::temp_directory_path() /
             ("llmc-tokenizer-" + std::to_string(std::random_device()()))) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const char *name, const std::string &text) const {
    std::ofstream(path / name) << text;
  }
  std::filesystem::path path;
};

} // namespace

TEST_CASE("a folder with tokenizer and configuration", "[tokenizer-json]") {
  const auto result = importTokenizer(scribe);
  REQUIRE(std::holds_alternative<ImportedTokenizer>(result));
  const auto &imported = std::get<ImportedTokenizer>(result);
  CHECK(imported.description ==
        "byte-level BPE, pattern gpt2, 4096 ids, 3839 merges, 1 added tokens");
  CHECK(imported.notes.empty());
  CHECK(imported.model.bos == 0u);
  CHECK(imported.model.eos == std::vector<uint32_t>{0});
  CHECK_FALSE(imported.model.addsBos);
  rt::Tokenizer opened;
  REQUIRE(rt::Tokenizer::open({imported.segment.data(), imported.segment.size()}, opened).ok());
  CHECK(opened.vocabSize() == 4096);
  CHECK(opened.isEos(0));
  CHECK(opened.isSpecial(0));
}

TEST_CASE("the same file gives the same bytes, in either form of merges", "[tokenizer-json]") {
  json document = smallJson();
  const auto bytes = accepted(document).segment;
  CHECK(accepted(document).segment == bytes);
  document["model"]["merges"] = json::parse(R"([["h", "e"], ["t", "he"], ["\u0120", "the"]])");
  CHECK(accepted(document).segment == bytes);
}

TEST_CASE("a merge given twice keeps its last rank and is noted", "[tokenizer-json]") {
  json document = smallJson();
  document["model"]["merges"] = {"h e", "t he", "h e", "\u0120 the"};
  const ImportedTokenizer twice = accepted(document);
  CHECK(twice.notes.size() == 1);
  document["model"]["merges"] = {"t he", "h e", "\u0120 the"};
  CHECK(twice.segment == accepted(document).segment);
}

TEST_CASE("bos that the post_processor adds is recorded", "[tokenizer-json]") {
  json document = smallJson();
  const json bos = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
  const json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const json tokens = {{"<s>", {{"id", "<s>"}, {"ids", {259}}, {"tokens", {"<s>"}}}}};
  const json byteLevel = {{"type", "ByteLevel"}};
  json added = {
      {"type", "TemplateProcessing"}, {"single", {bos, text}}, {"special_tokens", tokens}};
  document["post_processor"] = {{"type", "Sequence"}, {"processors", {byteLevel, added}}};
  const ImportedTokenizer imported = accepted(document);
  CHECK(imported.model.addsBos);
  CHECK(imported.model.bos == 259u);
  CHECK(imported.notes.empty());

  TokenizerConfig other;
  other.bos = 5;
  CHECK(accepted(document, other).notes.size() == 1);

  added["single"] = {text, bos};
  document["post_processor"] = added;
  CHECK_FALSE(accepted(document).model.addsBos);
  CHECK(accepted(document).notes.size() == 1);
}

TEST_CASE("what is not supported is one error that names it", "[tokenizer-json]") {
  struct Case {
    const char *patch;
    const char *message;
  };
  const Case cases[] = {
      {R"({"model": {"type": "Unigram"}})", "t.json: model: type \"Unigram\" is not supported"},
      {R"({"model": {"type": "WordPiece"}})", "\"WordPiece\""},
      {R"({"model": null})", "model: type null"},
      {R"({"model": {"byte_fallback": true}})", "byte_fallback"},
      {R"({"model": {"end_of_word_suffix": "</w>"}})", "end_of_word_suffix \"</w>\""},
      {R"({"model": {"continuing_subword_prefix": "##"}})", "continuing_subword_prefix"},
      {R"({"model": {"dropout": 0.1}})", "dropout 0.1"},
      {R"({"model": {"vocab": []}})", "needs an object vocab"},
      {R"({"model": {"vocab": {"A": null}}})", "byte 65 has no token \"A\""},
      {R"({"model": {"vocab": {"zz": 256}}})", "belongs to two tokens"},
      {R"({"model": {"vocab": {"zz": -1}}})", "id -1"},
      {R"({"model": {"vocab": {"zz": 99999999}}})", "from 0 to 4194303"},
      {R"({"model": {"vocab": {"": 300}}})", "empty string"},
      {R"({"model": {"merges": ["he"]}})", "entry 0 \"he\" is not two tokens"},
      {R"({"model": {"merges": ["h e", "h  e"]}})", "entry 1"},
      {R"({"model": {"merges": ["h e", 7]}})", "is neither"},
      {R"({"model": {"merges": [["h", "e", "x"]]}})", "is neither"},
      {R"({"model": {"merges": ["h h"]}})", "names a token that model.vocab lacks"},
      {R"({"normalizer": {"type": "NFC"}})", "normalizer: type NFC is not supported"},
      {R"({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend"}]}})",
       "type Prepend"},
      {R"({"pre_tokenizer": null})", "no ByteLevel stage"},
      {R"({"pre_tokenizer": {"type": "Metaspace"}})", "type Metaspace"},
      {R"({"pre_tokenizer": {"add_prefix_space": true}})", "add_prefix_space"},
      {R"({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\\w+|x"}, "behavior": "Isolated"}})",
       "pattern is not known: \\w+|x"},
      {R"({"pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated"}})",
       "Regex"},
      {R"({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "x"}, "behavior": "Removed"}})",
       "Removed"},
      {R"({"decoder": null})", "decoder: expected ByteLevel, found none"},
      {R"({"decoder": {"type": "Metaspace"}})", "found Metaspace"},
      {R"({"added_tokens": {}})", "expected a list"},
      {R"({"added_tokens": [{"id": 259}]})", "has no content"},
      {R"({"added_tokens": [{"id": 259, "content": "<s>", "single_word": true}]})", "single_word"},
      {R"({"added_tokens": [{"id": 258, "content": "<s>"}]})", "belongs to two tokens"},
      {R"({"added_tokens": [{"id": 300, "content": "the"}]})", "300 here and 257 in model.vocab"},
      {R"({"added_tokens": [{"id": 259, "content": "x"}, {"id": 260, "content": "x"}]})",
       "has id 259 here"},
      {R"({"added_tokens": [{"id": 259, "content": "<s>"}, {"id": 260, "content": "<s>"}]})",
       "stands twice"},
      {R"({"added_tokens": [{"id": 259, "content": "<s>", "rstrip": true}, {"id": 260, "content": "  "}]})",
       "rstrip"},
  };
  for (const Case &c : cases) {
    json document = smallJson();
    document.merge_patch(json::parse(c.patch));
    INFO(c.patch);
    CHECK_THAT(errorOf(document), Catch::Contains(c.message));
    CHECK_THAT(errorOf(document), Catch::StartsWith("t.json: "));
  }
}

TEST_CASE("stages in an order that is not supported", "[tokenizer-json]") {
  const json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  const json digits = {{"type", "Digits"}, {"individual_digits", true}};
  json document = smallJson();
  const auto with = [&](std::vector<json> stages) {
    document["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", stages}};
    return errorOf(document);
  };
  CHECK(with({digits, bytes}) == "accepted");
  CHECK_THAT(with({bytes, digits}), Catch::Contains("Digits after ByteLevel"));
  CHECK_THAT(with({digits, digits, bytes}), Catch::Contains("once"));
  CHECK_THAT(with({digits}), Catch::Contains("no ByteLevel"));
  CHECK_THAT(with({}), Catch::Contains("no ByteLevel"));
}

TEST_CASE("damaged files", "[tokenizer-json]") {
  const std::string text = smallJson().dump();
  for (const size_t size : {size_t(0), size_t(1), text.size() / 2, text.size() - 1}) {
    const auto result = importTokenizerJson(text.substr(0, size), {}, "t.json");
    REQUIRE(std::holds_alternative<TokenizerError>(result));
    CHECK_THAT(std::get<TokenizerError>(result).message,
               Catch::StartsWith("t.json: not a JSON object"));
  }
  const Folder empty;
  const auto result = importTokenizer(empty.path);
  REQUIRE(std::holds_alternative<TokenizerError>(result));
  CHECK_THAT(std::get<TokenizerError>(result).message, Catch::Contains("cannot be read"));
}

TEST_CASE("bos and eos outside the vocabulary", "[tokenizer-json]") {
  TokenizerConfig config;
  config.bos = 260;
  CHECK_THAT(errorOf(smallJson(), config),
             Catch::Contains("bos id 260 is outside the vocabulary of 260"));
  config.bos = 259;
  config.eos = {259, 1000};
  CHECK_THAT(errorOf(smallJson(), config), Catch::Contains("eos id 1000"));
}

TEST_CASE("configuration: which file counts", "[tokenizer-json]") {
  const Folder folder;
  const auto read = [&] {
    auto result = readTokenizerConfig(folder.path);
    if (const auto *error = std::get_if<TokenizerError>(&result))
      FAIL(error->message);
    return std::get<TokenizerConfig>(result);
  };
  CHECK((!read().bos && read().eos.empty()));
  folder.write("config.json", R"({"bos_token_id": 1, "eos_token_id": 2})");
  CHECK((read().bos == 1u && read().eos == std::vector<uint32_t>{2} &&
         read().eosSource == "config.json"));
  folder.write("genai_config.json", R"({"model": {"bos_token_id": 1, "eos_token_id": [3, 4, 3]}})");
  CHECK((read().eos == std::vector<uint32_t>{3, 4} && read().eosSource == "genai_config.json"));
  folder.write("generation_config.json", R"({"bos_token_id": null, "eos_token_id": [5]})");
  CHECK((read().bos == 1u && read().bosSource == "genai_config.json" &&
         read().eos == std::vector<uint32_t>{5}));
}

TEST_CASE("configuration: bad files", "[tokenizer-json]") {
  struct Case {
    const char *name, *text, *message;
  };
  const Case cases[] = {
      {"config.json", "{", "not a JSON object"},
      {"config.json", R"({"eos_token_id": "</s>"})", "eos_token_id is \"</s>\""},
      {"config.json", R"({"eos_token_id": [1, -2]})", "eos_token_id is -2"},
      {"config.json", R"({"bos_token_id": [1, 2]})", "bos_token_id lists several"},
      {"genai_config.json", "{}", "object \"model\""},
  };
  for (const Case &c : cases) {
    const Folder folder;
    folder.write(c.name, c.text);
    const auto result = readTokenizerConfig(folder.path);
    INFO(c.text);
    REQUIRE(std::holds_alternative<TokenizerError>(result));
    CHECK_THAT(std::get<TokenizerError>(result).message, Catch::Contains(c.message));
    CHECK_THAT(std::get<TokenizerError>(result).message, Catch::Contains(c.name));
  }
}
