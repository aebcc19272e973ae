#include "compiler/Import/Tokenizer/TokenizerModel.h"
#include "test/fuzz/reference_device.h"
#include "test/fuzz/seed_files.h"

namespace llmc::fuzz {
namespace {

/// A token of every byte, three merges, added tokens of all kinds, one id without a token.
TokenizerModel model(rt::tok::Pattern pattern, rt::tok::DigitSplit digits) {
  TokenizerModel m;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    m.tokens.push_back(std::string(1, char(byte)));
    m.byteIds[byte] = byte;
  }
  for (const char *token : {"th", "the", "he", "", "<s>", "<|x|>", "  "})
    m.tokens.push_back(token);
  m.merges = {{'t', 'h', 256}, {256, 'e', 257}, {'h', 'e', 258}};
  m.pattern = pattern;
  m.digitSplit = digits;
  m.bos = 260;
  m.eos = {261, 260};
  m.classRuns = {0,  3u << 24 | 9,  14,  3u << 24 | 32,   33,   2u << 24 | 48,   58,  1u << 24 | 65,
                 91, 1u << 24 | 97, 123, 3u << 24 | 0xA0, 0xA1, 1u << 24 | 0xC0, 0xD7};
  return m;
}

std::string seed(const TokenizerModel &model) {
  auto segment = writeTokenizerSegment(model);
  if (!std::holds_alternative<std::vector<uint8_t>>(segment))
    finding("a seed's tokenizer is not valid");
  const std::vector<uint8_t> &bytes = std::get<std::vector<uint8_t>>(segment);
  const std::string text = "the <s> then\xC3\x80 t12 he's\r\n <|x|>  \xFF\xF0\x9F z \t<";
  return std::string(bytes.begin(), bytes.end()) + text + char(text.size());
}

} // namespace

SeedFiles tokenizerSeeds() {
  using namespace rt::tok;
  TokenizerModel added = model(PatternLlama3, DigitsEach);
  added.added = {
      {260, "<s>", true, false, true, true}, {261, "<|x|>", true}, {262, "  ", false, true}};
  added.ignoreMerges = true;
  added.wholeWords = {257, 't', 258};
  added.addsBos = true;
  return {{"added", seed(added)},
          {"none", seed(model(PatternNone, DigitsTogether))},
          {"gpt2", seed(model(PatternGpt2, DigitsRuns))},
          {"qwen2", seed(model(PatternQwen2, DigitsEach))}};
}

} // namespace llmc::fuzz
