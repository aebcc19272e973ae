// Tokenizers for tests, built from tokenizer.json files by the importer.
#ifndef LLMC_TEST_UNIT_RUNTIME_TOKENIZER_FIXTURE_H
#define LLMC_TEST_UNIT_RUNTIME_TOKENIZER_FIXTURE_H

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "catch2/catch.hpp"
#include "compiler/Import/Tokenizer/TokenizerJson.h"
#include "runtime/tokenizer/decoder.h"
#include "runtime/tokenizer/encoder.h"

namespace llmc::test {

using Ids = std::vector<uint32_t>;

inline std::string readFile(const std::string &name) {
  std::ifstream file(std::string(LLMC_TEST_DATA) + "/" + name, std::ios::binary);
  REQUIRE(file.good());
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

/// One JSON document per line.
inline std::vector<nlohmann::json> readLines(const std::string &name) {
  std::ifstream file(std::string(LLMC_TEST_DATA) + "/" + name);
  REQUIRE(file.good());
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(nlohmann::json::parse(line));
  return lines;
}

inline ImportedTokenizer importOrFail(const nlohmann::json &document) {
  auto result = importTokenizerJson(document.dump(), TokenizerConfig(), "tokenizer.json");
  if (const auto *error = std::get_if<TokenizerError>(&result))
    FAIL(error->message);
  return std::move(std::get<ImportedTokenizer>(result));
}

inline nlohmann::json scribeJson() {
  return nlohmann::json::parse(readFile("scribe-6m/tokenizer.json"));
}

inline rt::Span<const uint8_t> bytesOf(const std::string &text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

/// The segment in a block of exactly its size, so that a sanitizer sees every byte read past it.
struct Opened {
  explicit Opened(rt::Span<const uint8_t> bytes) : copy(new uint8_t[bytes.size]), size(bytes.size) {
    std::copy(bytes.begin(), bytes.end(), copy.get());
    status = rt::Tokenizer::open({copy.get(), size}, tokenizer);
  }
  explicit Opened(const std::vector<uint8_t> &bytes)
      : Opened(rt::Span<const uint8_t>{bytes.data(), bytes.size()}) {}

  std::unique_ptr<uint8_t[]> copy;
  size_t size;
  rt::Tokenizer tokenizer;
  rt::Status status;
};

inline Ids encodeAll(const rt::Tokenizer &tokenizer, const std::string &text) {
  std::vector<uint32_t> scratch(rt::Encoder::scratchWords(text.size()));
  Ids ids(text.size());
  size_t count = 0;
  const rt::Status status = rt::encode(tokenizer, bytesOf(text), {scratch.data(), scratch.size()},
                                       {ids.data(), ids.size()}, count);
  CHECK(status.code == LLMC_OK);
  ids.resize(count);
  return ids;
}

inline std::string decodeAll(const rt::Tokenizer &tokenizer, const Ids &ids,
                             rt::SpecialTokens special = rt::SpecialTokens::Keep,
                             rt::InvalidBytes invalid = rt::InvalidBytes::Replace) {
  std::string out((size_t(tokenizer.maxTokenBytes()) + 3) * 3 * (ids.size() + 1), '\0');
  size_t written = 0;
  const rt::Status status =
      rt::decode(tokenizer, {ids.data(), ids.size()}, special, invalid,
                 {reinterpret_cast<uint8_t *>(out.data()), out.size()}, written);
  CHECK(status.code == LLMC_OK);
  out.resize(written);
  return out;
}

} // namespace llmc::test

#endif
