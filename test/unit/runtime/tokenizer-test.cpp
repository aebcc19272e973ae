// Encoding and decoding against what the tokenizers library gives for the same files.
#include "test/unit/runtime/tokenizer_fixture.h"

using namespace llmc;
using namespace llmc::test;
using nlohmann::json;

TEST_CASE("every case of scribe-6m", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  REQUIRE(opened.status.ok());
  const std::vector<json> cases = readLines("scribe-6m/tokenizer-cases.jsonl");
  REQUIRE(cases.size() == 423);
  for (const json &line : cases) {
    const std::string text = line["text"].get<std::string>();
    INFO(line["text"].dump());
    const Ids ids = encodeAll(opened.tokenizer, text);
    CHECK(ids == line["ids"].get<Ids>());
    CHECK(decodeAll(opened.tokenizer, ids) == line["decoded"].get<std::string>());
  }
}

TEST_CASE("the first ids of a long text", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  const std::string text = readFile("scribe-6m/valid.txt");
  const Ids expected = json::parse(readFile("scribe-6m/valid-ids.json")).get<Ids>();
  REQUIRE(expected.size() == 4096);
  Ids ids = encodeAll(opened.tokenizer, text);
  CHECK(decodeAll(opened.tokenizer, ids) == text);
  REQUIRE(ids.size() >= expected.size());
  ids.resize(expected.size());
  CHECK(ids == expected);
}

TEST_CASE("other patterns, merging rules and added tokens", "[tokenizer]") {
  size_t variants = 0, cases = 0;
  for (const json &line : readLines("tokenizer/variants.jsonl")) {
    json document = scribeJson();
    document.merge_patch(line["patch"]);
    const Opened opened(importOrFail(document).segment);
    REQUIRE(opened.status.ok());
    ++variants;
    for (const json &entry : line.value("cases", json::array())) {
      INFO(line["variant"].dump() << " " << entry[0].dump());
      const std::string text = entry[0].get<std::string>();
      const Ids ids = encodeAll(opened.tokenizer, text);
      CHECK(ids == entry[1].get<Ids>());
      if (entry.size() == 4) {
        CHECK(decodeAll(opened.tokenizer, ids) == entry[2].get<std::string>());
        CHECK(decodeAll(opened.tokenizer, ids, rt::SpecialTokens::Skip) ==
              entry[3].get<std::string>());
      }
      ++cases;
    }
  }
  CHECK(variants == 10);
  CHECK(cases == 9 * 165);
}

TEST_CASE("ids that are no text decode with replacement characters", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  size_t cases = 0;
  for (const json &line : readLines("tokenizer/variants.jsonl"))
    for (const json &entry : line.value("decode", json::array())) {
      INFO(entry.dump());
      CHECK(decodeAll(opened.tokenizer, entry[0].get<Ids>()) == entry[1].get<std::string>());
      ++cases;
    }
  CHECK(cases == 150);
}

TEST_CASE("any bytes come back", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  uint32_t state = 12345;
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int i = 0; i < round; ++i) {
      state = state * 1664525u + 1013904223u;
      text.push_back(static_cast<char>(state >> 24));
    }
    const Ids ids = encodeAll(opened.tokenizer, text);
    CHECK(decodeAll(opened.tokenizer, ids, rt::SpecialTokens::Keep, rt::InvalidBytes::Keep) ==
          text);
  }
}

TEST_CASE("an invalid byte is a symbol of its own", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  const Ids single = encodeAll(opened.tokenizer, "\xFF");
  REQUIRE(single.size() == 1);
  Ids expected = encodeAll(opened.tokenizer, "the");
  expected.push_back(single[0]);
  const Ids tail = encodeAll(opened.tokenizer, " the");
  expected.insert(expected.end(), tail.begin(), tail.end());
  CHECK(encodeAll(opened.tokenizer, "the\xFF the") == expected);
}

TEST_CASE("a decoder holds incomplete characters back", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  const Ids ids = encodeAll(opened.tokenizer, "\xF0\x9F\x99\x82!"); // four bytes, a token each
  REQUIRE(ids.size() == 5);
  rt::Decoder decoder(opened.tokenizer);
  std::vector<uint8_t> out(decoder.maxOutput());
  std::vector<size_t> sizes;
  for (const uint32_t id : ids) {
    size_t written = 99;
    REQUIRE(decoder.push(id, {out.data(), out.size()}, written).ok());
    sizes.push_back(written);
  }
  CHECK(sizes == std::vector<size_t>{0, 0, 0, 4, 1});
  size_t written = 99;
  REQUIRE(decoder.push(ids[0], {out.data(), out.size()}, written).ok());
  REQUIRE(decoder.finish({out.data(), 2}, written).code == LLMC_TOO_SMALL);
  REQUIRE(decoder.finish({out.data(), out.size()}, written).ok());
  CHECK(std::string(out.begin(), out.begin() + static_cast<long>(written)) == "\xEF\xBF\xBD");
  REQUIRE(decoder.finish({out.data(), out.size()}, written).ok());
  CHECK(written == 0);
}

TEST_CASE("output that is too small changes nothing", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  const Ids ids = encodeAll(opened.tokenizer, " the");
  REQUIRE(ids.size() == 1);
  rt::Decoder decoder(opened.tokenizer);
  uint8_t out[4] = {};
  for (size_t room = 0; room < 4; ++room) {
    size_t written = 99;
    const rt::Status status = decoder.push(ids[0], {out, room}, written);
    CHECK(status == rt::Status(LLMC_TOO_SMALL, LLMC_AT_TOKENIZER, rt::tok::PartOutput));
    CHECK(written == 0);
  }
  size_t written = 0;
  CHECK(decoder.push(ids[0], {out, 4}, written).ok());
  CHECK(std::string(out, out + written) == " the");
}

TEST_CASE("ids outside the vocabulary are errors", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  const uint32_t ids[] = {33, 34, 4096};
  uint8_t out[64];
  size_t written = 99;
  const rt::Status status = rt::decode(opened.tokenizer, {ids, 3}, rt::SpecialTokens::Keep,
                                       rt::InvalidBytes::Replace, {out, 64}, written);
  CHECK(status == rt::Status(LLMC_OUT_OF_RANGE, LLMC_AT_TOKEN, 2));
  CHECK(written == 0);
  CHECK(opened.tokenizer.tokenBytes(0xFFFFFFFFu).empty());
}

TEST_CASE("too little scratch or room for ids fails cleanly", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  const std::string text = "a supercalifragilisticexpialidocious word";
  const Ids expected = encodeAll(opened.tokenizer, text);
  std::vector<uint32_t> scratch(
      rt::Encoder::scratchWords(35)); // the longest piece has a space and 34 letters
  Ids ids(text.size());
  for (size_t words = 0; words <= scratch.size(); ++words) {
    size_t count = 99;
    const rt::Status status = rt::encode(opened.tokenizer, bytesOf(text), {scratch.data(), words},
                                         {ids.data(), ids.size()}, count);
    CHECK(status.code == (words == scratch.size() ? LLMC_OK : LLMC_TOO_SMALL));
    CHECK(count == (words == scratch.size() ? expected.size() : 1));
  }
  for (size_t room = 0; room < expected.size(); ++room) {
    size_t count = 99;
    const rt::Status status =
        rt::encode(opened.tokenizer, bytesOf(text), {scratch.data(), scratch.size()},
                   {ids.data(), room}, count);
    CHECK(status == rt::Status(LLMC_TOO_SMALL, LLMC_AT_TOKENIZER, rt::tok::PartIds));
    CHECK(count <= room);
  }
}

TEST_CASE("an encoder continues with more scratch", "[tokenizer]") {
  const Opened opened(importOrFail(scribeJson()).segment);
  const std::string text = "In the beginning there was a supercalifragilisticexpialidocious word.";
  std::vector<uint32_t> scratch(1);
  rt::Encoder encoder(opened.tokenizer, bytesOf(text), {scratch.data(), scratch.size()});
  Ids ids;
  for (rt::Span<const uint32_t> piece;;) {
    const rt::Status status = encoder.next(piece);
    if (status.code == LLMC_TOO_SMALL) {
      REQUIRE(encoder.wordsNeeded() > scratch.size());
      scratch.assign(encoder.wordsNeeded(), 0);
      encoder.setScratch({scratch.data(), scratch.size()});
      continue;
    }
    REQUIRE(status.ok());
    if (piece.empty())
      break;
    ids.insert(ids.end(), piece.begin(), piece.end());
  }
  CHECK(ids == encodeAll(opened.tokenizer, text));
  CHECK(encoder.position() == text.size());
  CHECK(scratch.size() == rt::Encoder::scratchWords(35));
}

TEST_CASE("a tokenizer that was never opened refuses", "[tokenizer]") {
  const rt::Tokenizer tokenizer;
  rt::Span<const uint32_t> piece;
  rt::Encoder encoder(tokenizer, bytesOf("a"), {});
  CHECK(encoder.next(piece).code == LLMC_WRONG_STATE);
  size_t written = 0;
  CHECK(rt::Decoder(tokenizer).push(0, {}, written).code == LLMC_OUT_OF_RANGE);
}
