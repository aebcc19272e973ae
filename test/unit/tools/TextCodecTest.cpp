// Text in pieces: the codec over the tokenizer of the test model.
#include "tools/llmc/TextCodec.h"
#include "compiler/Import/Tokenizer/TokenizerJson.h"
#include "tools/llmc/Errors.h"

#include "catch2/catch.hpp"

using namespace llmc;

namespace {

const std::vector<uint8_t> &scribeSegment() {
  static const ImportedTokenizer imported =
      std::get<ImportedTokenizer>(importTokenizer(std::string(LLMC_TEST_DATA) + "/scribe-6m"));
  return imported.segment;
}

struct Fixture {
  TextCodec codec{{scribeSegment().data(), scribeSegment().size()}, "the test model"};
  std::string decode(const std::vector<int32_t> &ids) {
    std::string text;
    for (const int32_t id : ids)
      text += codec.decodeNext(id);
    return text + codec.decodeEnd();
  }
};

} // namespace

TEST_CASE_METHOD(Fixture, "text survives the way through ids") {
  // Long enough that the scratch of the encoder has to grow; with no space it is one piece.
  for (const std::string &text :
       {std::string("It was the best of"), std::string("caf\xc3\xa9 \xe2\x82\xac\xf0\x9f\x98\x80"),
        std::string(20000, 'x'), std::string("")})
    CHECK(decode(codec.encode(text)) == text);
}

TEST_CASE_METHOD(Fixture, "the first ids of a text are those of all of it") {
  const std::vector<int32_t> all =
      codec.encode("It was the best of times, it was the worst of times");
  REQUIRE(all.size() > 8);
  for (size_t most : {0, 1, 5, 8})
    CHECK(codec.encode("It was the best of times, it was the worst of times", most) ==
          std::vector<int32_t>(all.begin(), all.begin() + ptrdiff_t(most)));
}

TEST_CASE_METHOD(Fixture,
                 "an incomplete character is held back until it is complete or the text ends") {
  const std::vector<int32_t> ids = codec.encode("\xf0\x9f\x98\x80");
  REQUIRE(ids.size() > 1);
  std::string text;
  for (size_t i = 0; i + 1 < ids.size(); ++i)
    text += codec.decodeNext(ids[i]);
  CHECK(text == "");
  SECTION("complete") { CHECK(codec.decodeNext(ids.back()) == "\xf0\x9f\x98\x80"); }
  SECTION("cut off") { CHECK(codec.decodeEnd() == "\xef\xbf\xbd"); }
}

TEST_CASE_METHOD(Fixture, "special tokens and padding of the vocabulary are no text") {
  REQUIRE(codec.bos() == 0);
  CHECK(codec.decodeNext(0) == "");
  CHECK(codec.decodeNext(int32_t(codec.tokenizer().vocabSize())) == "");
}

TEST_CASE("a damaged tokenizer is an error that names its place") {
  std::vector<uint8_t> damaged = scribeSegment();
  damaged[0] ^= 1;
  CHECK_THROWS_WITH(TextCodec({damaged.data(), damaged.size()}, "'a.llmc'"),
                    Catch::StartsWith("'a.llmc': its tokenizer is corrupt"));
  CHECK_THROWS_AS(TextCodec({damaged.data(), 0}, "'a.llmc'"), InputError);
}
