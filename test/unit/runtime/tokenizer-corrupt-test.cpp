// Segments that are truncated or altered: rejected, or usable without touching a byte outside. Run
// under sanitizers, the exact-size copies make every read outside visible.
#include "test/unit/runtime/tokenizer_fixture.h"

using namespace llmc;
using namespace llmc::test;

namespace {

/// A small model that uses every table: 256 bytes, three merges, added tokens of all kinds, one
/// gap.
TokenizerModel smallModel() {
  TokenizerModel model;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    model.tokens.push_back(std::string(1, static_cast<char>(byte)));
    model.byteIds[byte] = byte;
  }
  for (const char *token : {"th", "the", "he", "", "<s>", "<|x|>", "  "})
    model.tokens.push_back(token);
  model.merges = {{'t', 'h', 256}, {256, 'e', 257}, {'h', 'e', 258}};
  model.wholeWords = {257, 't', 258};
  model.ignoreMerges = true;
  model.added = {
      {260, "<s>", true, false, true, true}, {261, "<|x|>", true}, {262, "  ", false, true}};
  model.pattern = rt::tok::PatternLlama3;
  model.digitSplit = rt::tok::DigitsEach;
  model.bos = 260;
  model.addsBos = true;
  model.eos = {261, 260};
  model.classRuns = {0,    3u << 24 | 9,    14,  3u << 24 | 32, 33,  2u << 24 | 48,
                     58,   1u << 24 | 65,   91,  1u << 24 | 97, 123, 3u << 24 | 0xA0,
                     0xA1, 1u << 24 | 0xC0, 0xD7};
  return model;
}

std::vector<uint8_t> segmentOf(const TokenizerModel &model) {
  auto result = writeTokenizerSegment(model);
  if (const auto *error = std::get_if<TokenizerError>(&result))
    FAIL(error->message);
  return std::get<std::vector<uint8_t>>(result);
}

/// Encodes and decodes with whatever was accepted; every id must be one of the vocabulary, and the
/// work must end.
void exercise(const rt::Tokenizer &tokenizer) {
  const std::string text = "the <s> then\xC3\x80 t12 he's\r\n <|x|>  \xFF\xF0\x9F z \t<";
  for (const uint32_t id : encodeAll(tokenizer, text))
    if (id >= tokenizer.vocabSize())
      FAIL("id outside the vocabulary");
  rt::Decoder decoder(tokenizer, rt::SpecialTokens::Skip);
  std::vector<uint8_t> out(decoder.maxOutput());
  for (uint32_t id = 0; id < tokenizer.vocabSize(); ++id) {
    size_t written = 0;
    const rt::Status status = decoder.push(id, {out.data(), out.size()}, written);
    if (!status.ok() && status.code != LLMC_OUT_OF_RANGE)
      FAIL("a token does not fit into maxOutput");
  }
}

void setWord(std::vector<uint8_t> &bytes, size_t at, uint32_t word) {
  for (size_t i = 0; i < 4; ++i)
    bytes[at + i] = static_cast<uint8_t>(word >> (8 * i));
}

rt::Status openStatus(const std::vector<uint8_t> &bytes) { return Opened(bytes).status; }

constexpr size_t ByteIdsAt = rt::tok::HeaderBytes;
constexpr size_t OffsetsAt = ByteIdsAt + 256 * 4;

} // namespace

TEST_CASE("the small segment works", "[tokenizer]") {
  const Opened opened(segmentOf(smallModel()));
  REQUIRE(opened.status.ok());
  const rt::Tokenizer &t = opened.tokenizer;
  CHECK(encodeAll(t, "the <s>  th1") == Ids{257, 260, 256, '1'});
  CHECK(t.bosId() == 260);
  CHECK(t.addsBos());
  CHECK((t.isEos(261) && t.isEos(260) && !t.isEos(262)));
  CHECK((t.isSpecial(261) && t.isSpecial(260) && !t.isSpecial(262) && !t.isSpecial(0)));
  CHECK(t.maxTokenBytes() == 5);
  exercise(t);
}

TEST_CASE("every truncation is rejected", "[tokenizer]") {
  std::vector<uint8_t> segment = segmentOf(smallModel());
  for (size_t size = 0; size < segment.size(); ++size) {
    std::vector<uint8_t> part(segment.begin(), segment.begin() + static_cast<long>(size));
    CHECK_FALSE(openStatus(part).ok());
    if (size >= rt::tok::HeaderBytes) {
      setWord(part, rt::tok::AtTotalBytes, static_cast<uint32_t>(size));
      CHECK(openStatus(part) == rt::Status(LLMC_TRUNCATED, LLMC_AT_TOKENIZER, rt::tok::PartSize));
    }
  }
  segment.push_back(0);
  CHECK_FALSE(openStatus(segment).ok());
}

TEST_CASE("every byte altered is rejected or harmless", "[tokenizer]") {
  const std::vector<uint8_t> segment = segmentOf(smallModel());
  size_t rejected = 0, accepted = 0;
  for (size_t at = 0; at < segment.size(); ++at)
    for (const uint8_t flip : {0x01, 0x02, 0x10, 0x80, 0xFF}) {
      std::vector<uint8_t> altered = segment;
      altered[at] = static_cast<uint8_t>(altered[at] ^ flip);
      const Opened opened(altered);
      opened.status.ok() ? ++accepted : ++rejected;
      if (opened.status.ok())
        exercise(opened.tokenizer);
    }
  CHECK(rejected > accepted);
  CHECK(accepted > 0); // ranks and class boundaries may differ without harm
}

TEST_CASE("altered bytes of a real segment", "[tokenizer]") {
  const std::vector<uint8_t> segment = importOrFail(scribeJson()).segment;
  uint32_t state = 99;
  for (int round = 0; round < 400; ++round) {
    std::vector<uint8_t> altered = segment;
    for (int i = 0; i <= round % 3; ++i) {
      state = state * 1664525u + 1013904223u;
      altered[(state >> 4) % altered.size()] = static_cast<uint8_t>(state >> 24);
    }
    const Opened opened(altered);
    if (opened.status.ok())
      exercise(opened.tokenizer);
  }
}

TEST_CASE("what is wrong is named", "[tokenizer]") {
  using namespace rt::tok;
  const std::vector<uint8_t> good = segmentOf(smallModel());
  const size_t startsAt = OffsetsAt + 264 * 4, mergesAt = startsAt + 264 * 4,
               lookupAt = mergesAt + 3 * MergeBytes;
  const size_t addedAt = lookupAt + 3 * 4, specialsAt = addedAt + 3 * AddedBytes,
               eosAt = specialsAt + 2 * 4;
  const size_t classesAt = eosAt + 2 * 4;
  struct Case {
    size_t at;
    uint32_t word;
    llmc_code code;
    Part part;
  };
  const Case cases[] = {
      {AtMagic, 0, LLMC_BAD_MAGIC, PartHeader},
      {AtVersion, 2, LLMC_BAD_VERSION, PartHeader},
      {AtTotalBytes, 1, LLMC_BAD_RANGE, PartSize},
      {AtFlags, 4, LLMC_UNKNOWN_FEATURE, PartHeader},
      {AtPattern, 4, LLMC_UNKNOWN_FEATURE, PartHeader},
      {AtDigitSplit, 3, LLMC_UNKNOWN_FEATURE, PartHeader},
      {AtReserved2, 1, LLMC_BAD_VALUE, PartHeader},
      {AtVocab, 0, LLMC_BAD_VALUE, PartHeader},
      {AtVocab, 0xFFFFFFFF, LLMC_BAD_VALUE, PartHeader},
      {AtVocab, 0xFFFFFFFE, LLMC_TRUNCATED, PartSize},
      {AtMerges, 0xFFFFFFFF, LLMC_TRUNCATED, PartSize},
      {AtPoolBytes, 0, LLMC_BAD_RANGE, PartSize},
      {AtBos, 263, LLMC_BAD_INDEX, PartHeader},
      {AtBos, NoId, LLMC_BAD_INDEX, PartHeader},
      {ByteIdsAt, 1, LLMC_BAD_VALUE, PartByteIds},
      {ByteIdsAt, 263, LLMC_BAD_VALUE, PartByteIds},
      {OffsetsAt, 1, LLMC_BAD_RANGE, PartTokens},
      {OffsetsAt + 263 * 4, 0xFFFF, LLMC_BAD_RANGE, PartTokens},
      {startsAt + 263 * 4, 2, LLMC_BAD_RANGE, PartMerges},
      {mergesAt, 263, LLMC_BAD_VALUE, PartMerges},
      {mergesAt + 4, 3, LLMC_BAD_INDEX, PartMerges},
      {mergesAt + 8, 257, LLMC_BAD_VALUE, PartMerges},
      {lookupAt, 259, LLMC_BAD_VALUE, PartLookup},
      {lookupAt + 4, 258, LLMC_BAD_VALUE, PartLookup},
      {addedAt, 263, LLMC_BAD_INDEX, PartAdded},
      {addedAt + 4, 0x7FFFFFFF, LLMC_BAD_RANGE, PartAdded},
      {addedAt + 8, 0, LLMC_BAD_RANGE, PartAdded},
      {addedAt + 12, 8, LLMC_BAD_VALUE, PartAdded},
      {addedAt + 12, AddedNormalized, LLMC_BAD_VALUE, PartAdded},
      {specialsAt, 261, LLMC_BAD_VALUE, PartSpecials},
      {specialsAt + 4, 263, LLMC_BAD_INDEX, PartSpecials},
      {eosAt, 263, LLMC_BAD_INDEX, PartEos},
      {classesAt, 1, LLMC_BAD_VALUE, PartClasses},
      {classesAt + 4, 4u << 24 | 9, LLMC_BAD_VALUE, PartClasses},
      {classesAt + 8, 9, LLMC_BAD_VALUE, PartClasses},
      {classesAt + 12, 32, LLMC_BAD_VALUE, PartClasses}, // blank is no white space
      {classesAt + 14 * 4, 0x110000, LLMC_BAD_VALUE, PartClasses},
  };
  for (const Case &c : cases) {
    std::vector<uint8_t> altered = good;
    if (c.at == AtPattern || c.at == AtDigitSplit)
      altered[c.at] = static_cast<uint8_t>(c.word);
    else
      setWord(altered, c.at, c.word);
    INFO("offset " << c.at << " word " << c.word);
    const rt::Status status = openStatus(altered);
    CHECK(int(status.code) == int(c.code));
    CHECK(int(status.where) == int(LLMC_AT_TOKENIZER));
    CHECK(status.detail == c.part);
  }
}
