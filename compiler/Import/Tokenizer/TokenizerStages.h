// The stages of a tokenizer.json around its BPE model: normalizer, pre_tokenizer, decoder,
// post_processor.
#ifndef LLMC_COMPILER_IMPORT_TOKENIZER_TOKENIZERSTAGES_H
#define LLMC_COMPILER_IMPORT_TOKENIZER_TOKENIZERSTAGES_H

#include <nlohmann/json_fwd.hpp>

#include "compiler/Import/Tokenizer/TokenizerModel.h"

namespace llmc {

/// What the stages come to.
struct TokenizerStages {
  rt::tok::Pattern pattern = rt::tok::PatternNone;
  rt::tok::DigitSplit digitSplit = rt::tok::DigitsTogether;
  std::optional<uint32_t> leadingId; // the post_processor puts it before a text
  std::vector<std::string> notes;
};

/// Reads them from the whole document, an object.
TokenizerResult<TokenizerStages> readTokenizerStages(const nlohmann::json &document);

/// Short name of a pattern, for reports.
const char *patternName(rt::tok::Pattern pattern);

} // namespace llmc

#endif
