// A byte-level BPE tokenizer as plain data, and the segment written from it.
#ifndef LLMC_COMPILER_IMPORT_TOKENIZER_TOKENIZERMODEL_H
#define LLMC_COMPILER_IMPORT_TOKENIZER_TOKENIZERMODEL_H

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/tokenizer/format.h"

namespace llmc {

/// One sentence: what, where, the limit, what to do.
struct TokenizerError {
  std::string message;
};

template <class T> using TokenizerResult = std::variant<T, TokenizerError>;

struct TokenizerModel {
  struct Merge {
    uint32_t left, right, result;
  };
  struct Added {
    uint32_t id = 0;
    std::string content; // as it stands in a text
    bool special = false;
    bool normalized = false; // looked for after the others
    bool stripLeft = false, stripRight = false;
  };

  std::vector<std::string> tokens; // the bytes each id stands for; empty where no token has the id
  std::array<uint32_t, 256> byteIds{};
  std::vector<Merge> merges; // by rank; no pair twice
  std::vector<uint32_t>
      wholeWords; // ids a piece may become without merging; only under ignoreMerges
  bool ignoreMerges = false;
  std::vector<Added> added;
  rt::tok::Pattern pattern = rt::tok::PatternNone;
  rt::tok::DigitSplit digitSplit = rt::tok::DigitsTogether;
  bool addsBos = false;
  std::optional<uint32_t> bos;
  std::vector<uint32_t> eos;
  std::vector<uint32_t> classRuns; // as in UnicodeClasses.h
  uint32_t unicode = 0;
};

/// Writes the segment and opens it with the runtime's own verifier: what comes back will be
/// accepted on the device.
TokenizerResult<std::vector<uint8_t>> writeTokenizerSegment(const TokenizerModel &model);

} // namespace llmc

#endif
