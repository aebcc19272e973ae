#include "passes/Algorithms/MemoryMap.h"
#include "passes/Algorithms/SramCsv.h"

#include "catch2/catch.hpp"

using namespace llmc::passes;

namespace {

SramBuffer makeBuffer(std::string name, uint32_t first, uint32_t last, uint64_t size) {
  return {std::move(name), StepIdx{first}, StepIdx{last}, size, 1, std::nullopt};
}

} // namespace

TEST_CASE("a problem survives the way through text") {
  std::vector<SramBuffer> buffers{makeBuffer("a", 0, 3, 16), makeBuffer("b,c", 2, 5, 32)};
  buffers[1].alignment = 8;
  CHECK(writeSramCsv(buffers) == "id,lower,upper,size,alignment\na,0,3,16,1\nb_c,2,5,32,8\n");
  buffers[1].offset = 64;
  std::string text = writeSramCsv(buffers);
  CHECK(text == "id,lower,upper,size,alignment,offset\na,0,3,16,1,\nb_c,2,5,32,8,64\n");
  SramCsvResult read = readSramCsv(text);
  REQUIRE(read.error == "");
  REQUIRE(read.buffers.size() == 2);
  CHECK_FALSE(read.buffers[0].offset);
  CHECK(read.buffers[1].offset == 64u);
  CHECK(read.buffers[1].alignment == 8);
  CHECK(writeSramCsv(read.buffers) == text);
  std::vector<uint64_t> offsets{0, 64};
  CHECK(writeSramCsv(buffers, &offsets).find("a,0,3,16,1,0\n") != std::string::npos);
}

TEST_CASE("columns come in any order, with inclusive ends where the header says end") {
  SramCsvResult read = readSramCsv("size,end,start,buffer\r\n8,4,1,x\r\n");
  REQUIRE(read.error == "");
  REQUIRE(read.buffers.size() == 1);
  CHECK(read.buffers[0].name == "x");
  CHECK(read.buffers[0].first == StepIdx{1});
  CHECK(read.buffers[0].last == StepIdx{5});
  CHECK(read.buffers[0].size == 8);
}

TEST_CASE("malformed text is an error that names the line") {
  auto error = [](std::string_view text) { return readSramCsv(text).error; };
  CHECK(error("") == "line 1: the header is missing");
  CHECK(error("id,lower,size\n").find("line 1: the header needs") == 0);
  CHECK(error("id,lower,upper,end,size\n").find("line 1: the header needs") == 0);
  CHECK(error("id,lower,upper,size,gaps\n").find("line 1: unknown column \"gaps\"") == 0);
  CHECK(error("id,lower,lower,size\n") == "line 1: column \"lower\" appears twice");
  CHECK(error("id,lower,upper,size\na,0,1,4\nb,0,1\n") ==
        "line 3: has 3 fields, the header names 4");
  CHECK(error("id,lower,upper,size\na,0,x,4\n") ==
        "line 2: \"x\" in field 3 is no number in range");
  CHECK(error("id,lower,upper,size\na,-1,2,4\n") ==
        "line 2: \"-1\" in field 2 is no number in range");
  CHECK(error("id,start,end,size\na,0,4294967295,4\n").find("line 2") == 0);
}

TEST_CASE("the memory map draws time x address") {
  SramProblem problem{
      {makeBuffer("keys", 0, 6, 8), makeBuffer("query", 0, 3, 4), makeBuffer("out", 3, 6, 4)}, 16};
  CHECK(drawMemoryMap(problem, {0, 8, 8}, {72, 12, 2}) ==
        R"(          11 |bbb***|
          10 |bbb***|
           9 |bbb***|
           8 |bbb***|
           7 |aaaaaa|
           6 |aaaaaa|
           5 |aaaaaa|
           4 |aaaaaa|
           3 |aaaaaa|
           2 |aaaaaa|
           1 |aaaaaa|
           0 |aaaaaa|
             +------+
              0    5  steps, 1 per column, 1 bytes per line
              ^ step 0 is the fullest: 12 live bytes
  a             8 bytes  [0, 8)  steps 0 to 5  keys
  b             4 bytes  [8, 12)  steps 0 to 2  query
  *  1 smaller buffers
)");
}

TEST_CASE("the memory map marks collisions and what lies beyond the capacity") {
  SramProblem problem{{makeBuffer("a", 0, 4, 32), makeBuffer("b", 2, 6, 32)}, 32};
  std::string map = drawMemoryMap(problem, {0, 16}, {72, 3, 4});
  CHECK(map.find("          32 |..bbbb|\n          32 ======== capacity\n          16 |aa!!bb|\n"
                 "           0 |aaaa..|\n") == 0);
}

TEST_CASE("the memory map compresses long plans to its limits") {
  SramProblem problem{{}, 1 << 20};
  std::vector<uint64_t> offsets;
  for (uint32_t i = 0; i < 1000; ++i) {
    problem.buffers.push_back(makeBuffer("b" + std::to_string(i), i, i + 10, 1000));
    offsets.push_back(1000 * (i % 10));
  }
  std::string map = drawMemoryMap(problem, offsets, {40, 10, 0});
  size_t lines = 0, longest = 0;
  for (size_t start = 0, end; (end = map.find("|\n", start)) != std::string::npos;
       start = end + 2, ++lines)
    longest = std::max(longest, end - start);
  CHECK(lines <= 10);
  CHECK(longest <= 14 + 40);
  CHECK(map.find('!') == std::string::npos);
  CHECK(map.find("*  1000 smaller buffers") != std::string::npos);
}

TEST_CASE("nothing to draw is said") { CHECK(drawMemoryMap({{}, 0}, {}) == "(nothing to draw)\n"); }
