// Encoding and decoding with too little memory, word by word: refused, nothing written beyond it,
// and the same results once there is enough.
#include "test/unit/runtime/tokenizer_fixture.h"

using namespace llmc;
using namespace llmc::test;

namespace {

const std::string text =
    "It was the best of times, it was the worst of times; \xC3\xA9t\xC3\xA9 2024.";

/// Exactly as many words as asked for, so that a sanitizer sees the first one beyond.
struct Words {
  explicit Words(size_t n) : words(new uint32_t[n]), span{words.get(), n} {}
  std::unique_ptr<uint32_t[]> words;
  rt::Span<uint32_t> span;
};

} // namespace

TEST_CASE("scratch of every size below what is needed is refused", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  REQUIRE(opened.status.ok());
  const Ids expected = encodeAll(opened.tokenizer, text);
  size_t refused = 0;
  for (size_t n = 0; n <= rt::Encoder::scratchWords(text.size()); ++n) {
    Words scratch(n), ids(text.size());
    size_t count = 0;
    const rt::Status status =
        rt::encode(opened.tokenizer, bytesOf(text), scratch.span, ids.span, count);
    if (status.ok()) {
      REQUIRE(Ids(ids.span.begin(), ids.span.begin() + count) == expected);
      continue;
    }
    ++refused;
    REQUIRE(status == rt::Status(LLMC_TOO_SMALL, LLMC_AT_TOKENIZER, rt::tok::PartScratch));
    REQUIRE(std::equal(ids.span.begin(), ids.span.begin() + count, expected.begin()));
    REQUIRE(n == refused - 1); // once it suffices, it does for every larger size
  }
  CHECK(refused > 10);
}

TEST_CASE("scratch that grows on demand gives the same ids", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  rt::Encoder encoder(opened.tokenizer, bytesOf(text), {});
  std::vector<std::unique_ptr<Words>> scratch;
  Ids ids;
  for (;;) {
    rt::Span<const uint32_t> piece;
    const rt::Status status = encoder.next(piece);
    if (status.code == LLMC_TOO_SMALL) {
      scratch.push_back(std::make_unique<Words>(encoder.wordsNeeded()));
      encoder.setScratch(scratch.back()->span);
      continue;
    }
    REQUIRE(status.ok());
    if (piece.empty())
      break;
    ids.insert(ids.end(), piece.begin(), piece.end());
  }
  CHECK(ids == encodeAll(opened.tokenizer, text));
  CHECK(scratch.size() > 1);
}

TEST_CASE("room for ids of every size below their number is refused", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  const Ids expected = encodeAll(opened.tokenizer, text);
  for (size_t n = 0; n <= expected.size(); ++n) {
    Words scratch(rt::Encoder::scratchWords(text.size())), ids(n);
    size_t count = 0;
    const rt::Status status =
        rt::encode(opened.tokenizer, bytesOf(text), scratch.span, ids.span, count);
    REQUIRE(std::equal(ids.span.begin(), ids.span.begin() + count, expected.begin()));
    if (n < expected.size())
      REQUIRE(status == rt::Status(LLMC_TOO_SMALL, LLMC_AT_TOKENIZER, rt::tok::PartIds));
    else
      REQUIRE((status.ok() && count == n));
  }
}

TEST_CASE("room for text of every size below its bytes is refused, and changes nothing",
          "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  const Ids ids = encodeAll(opened.tokenizer, text);
  for (size_t n = 0; n <= text.size(); ++n) {
    std::unique_ptr<uint8_t[]> out(new uint8_t[n]);
    size_t written = 1;
    const rt::Status status =
        rt::decode(opened.tokenizer, {ids.data(), ids.size()}, rt::SpecialTokens::Keep,
                   rt::InvalidBytes::Keep, {out.get(), n}, written);
    if (n < text.size())
      REQUIRE((status == rt::Status(LLMC_TOO_SMALL, LLMC_AT_TOKENIZER, rt::tok::PartOutput) &&
               written == 0));
    else
      REQUIRE((status.ok() && std::string(out.get(), out.get() + n) == text));
  }
  // One token at a time, each first into too little.
  rt::Decoder decoder(opened.tokenizer);
  std::string back;
  for (uint32_t id : ids)
    for (size_t n = 0;; ++n) {
      std::unique_ptr<uint8_t[]> out(new uint8_t[n]);
      size_t written = 0;
      const rt::Status status = decoder.push(id, {out.get(), n}, written);
      back.append(out.get(), out.get() + written);
      if (status.ok())
        break;
      REQUIRE(n < decoder.maxOutput());
    }
  CHECK(back == text);
}
