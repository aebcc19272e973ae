// Reads a Hugging Face tokenizer.json: byte-level BPE, and nothing else.
//
// Supported: model BPE without byte_fallback, dropout, prefixes or suffixes (ignore_merges is
// honoured); merges as "a b" or ["a", "b"]; pre_tokenizer ByteLevel, Split with a known pattern,
// Digits before either; decoder ByteLevel; normalizer null; added tokens with lstrip, rstrip,
// normalized and special, not single_word. The post_processor is not followed; that it puts bos
// first is recorded. Everything else is an error that names it.
#ifndef LLMC_COMPILER_IMPORT_TOKENIZER_TOKENIZERJSON_H
#define LLMC_COMPILER_IMPORT_TOKENIZER_TOKENIZERJSON_H

#include <filesystem>
#include <string_view>

#include "compiler/Import/Tokenizer/TokenizerConfig.h"

namespace llmc {

struct ImportedTokenizer {
  TokenizerModel model;
  std::vector<uint8_t> segment;
  std::string description;        // one line for reports
  std::vector<std::string> notes; // what the file says that is not followed
};

/// `json` is the file's text, `name` stands before every message.
TokenizerResult<ImportedTokenizer>
importTokenizerJson(std::string_view json, const TokenizerConfig &config, const std::string &name);

/// Reads `folder`/tokenizer.json and the configuration beside it.
TokenizerResult<ImportedTokenizer> importTokenizer(const std::filesystem::path &folder);

} // namespace llmc

#endif
