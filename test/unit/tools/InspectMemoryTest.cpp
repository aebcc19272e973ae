// The chart of on-chip memory from the debug segment's document.
#include "tools/llmc/Errors.h"
#include "tools/llmc/Inspect.h"

#include "catch2/catch.hpp"

using namespace llmc;
using Json = nlohmann::ordered_json;

namespace {

Json someMap() {
  return Json::parse(R"({"entries": [{"name": "decode", "capacity": 256, "sram_bytes": 160,
    "live_bytes": 128, "steps": 6, "buffers": [
      {"name": "hidden", "offset": 0, "bytes": 64, "first": 0, "last": 6, "stream": false},
      {"name": "tile0", "offset": 64, "bytes": 48, "first": 1, "last": 2, "stream": true},
      {"name": "tile1", "offset": 112, "bytes": 48, "first": 3, "last": 4, "stream": true}]}]})");
}

} // namespace

TEST_CASE("the chart names entry, use and buffers") {
  const std::string text = drawMemory(someMap());
  CHECK_THAT(text, Catch::StartsWith("decode: 160 bytes of 256 (62.5 %), 3 buffers, 6 steps"));
  CHECK_THAT(text, Catch::Contains("step 1 is the fullest: 112 live bytes"));
  CHECK_THAT(text, Catch::Contains("2 of the buffers, 96 bytes, are streamed"));
  CHECK_THAT(text, Catch::Contains("hidden") && Catch::Contains("tile1"));
}

TEST_CASE("an entry without buffers has no chart, and without streams no word of them") {
  Json map = someMap();
  map["entries"][0]["buffers"] = Json::array();
  const std::string text = drawMemory(map);
  CHECK_THAT(text, Catch::Contains("0 buffers"));
  CHECK(text.find("streamed") == std::string::npos);
}

TEST_CASE("a malformed document is an error") {
  Json map = someMap();
  SECTION("a field is missing") { map["entries"][0]["buffers"][1].erase("offset"); }
  SECTION("a field has another type") { map["entries"][0]["capacity"] = "much"; }
  SECTION("a buffer ends before it begins") { map["entries"][0]["buffers"][0]["last"] = 0; }
  SECTION("no entries") { map.erase("entries"); }
  CHECK_THROWS_AS(drawMemory(map), InputError);
}
