// The ids that begin and end a text, from the configuration files beside a model.
#ifndef LLMC_COMPILER_IMPORT_TOKENIZER_TOKENIZERCONFIG_H
#define LLMC_COMPILER_IMPORT_TOKENIZER_TOKENIZERCONFIG_H

#include <filesystem>

#include "compiler/Import/Tokenizer/TokenizerModel.h"

namespace llmc {

struct TokenizerConfig {
  std::optional<uint32_t> bos;
  std::vector<uint32_t> eos; // without repetition, in the file's order
  std::string bosSource;     // file name; empty where no file says
  std::string eosSource;
};

/// Reads generation_config.json, genai_config.json and config.json in `folder`, as far as they
/// exist. Each id comes from the first of them that states it; null counts as not stated. A
/// malformed file is an error, a missing one is not.
TokenizerResult<TokenizerConfig> readTokenizerConfig(const std::filesystem::path &folder);

} // namespace llmc

#endif
