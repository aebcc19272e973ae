// The text form: golden texts, identities through text and blob, and errors with their place.
#include "catch2/catch.hpp"
#include "targets/Rnpu/Assembly.h"
#include "test/unit/targets/RandomProgram.h"

#include <fstream>

using namespace llmc;
using namespace llmc::rnpu;
using namespace llmc::target;

namespace {

std::string golden(const std::string &name) {
  std::ifstream file(std::string(LLMC_TEST_DATA) + "/rnpu/" + name);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

Image parsed(const std::string &text) {
  std::string error;
  std::optional<Image> image = parseAssembly(text, error);
  INFO(error);
  REQUIRE(image);
  return *image;
}

/// The error of a program whose body is this one line.
std::string errorOf(const std::string &line) {
  std::string error;
  std::string text = "rnpu 1.0\narguments 7\ntrips 2\nsram 65536\nbody\n" + line + "\n";
  CHECK_FALSE(parseAssembly(text, error));
  return error;
}

std::string programError(const std::string &text) {
  std::string error;
  CHECK_FALSE(parseAssembly(text, error));
  return error;
}

} // namespace

TEST_CASE("golden texts survive text, blob and text") {
  for (const char *name : {"gemv.rnpu", "attention.rnpu", "copies.rnpu"}) {
    INFO(name);
    std::string text = golden(name);
    Image image = parsed(text);
    std::string error;
    std::optional<std::vector<uint8_t>> blob = encode(image, error);
    INFO(error);
    REQUIRE(blob);
    std::optional<Image> back = decode(blob->data(), blob->size(), error);
    INFO(error);
    REQUIRE(back);
    CHECK(printAssembly(*back) == text);
  }
}

TEST_CASE("the text of a random program parses to the program") {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    Image image = test::RandomProgram(seed).image();
    std::string text = printAssembly(image);
    INFO("seed " << seed << "\n" << text);
    Image back = parsed(text);
    REQUIRE(back == image);
    REQUIRE(printAssembly(back) == text);
  }
}

TEST_CASE("golden text means what it says") {
  Program program = parsed(golden("gemv.rnpu")).program;
  CHECK(program.entry == "gemv");
  CHECK(program.trips == 8);
  REQUIRE(program.body.commands.size() == 4);
  const Command &even = program.body.commands[0];
  CHECK(even.engine == Engine::Load);
  CHECK(even.waits == std::vector<Wait>{{Engine::Tensor, -1, 2}});
  const Dma &dma = std::get<Dma>(even.work);
  CHECK(dma.source == Address{Space::Weights, 0, -1, 0, 2 * 45056});
  CHECK(dma.run == Extent{45056, -1});
  const Matmul &matmul = std::get<MatmulCommand>(program.body.commands[1].work).matmul;
  CHECK(matmul.format == WeightFormat{ElementType::I4, ScaleKind::MultiplierF32Row, 32});
  CHECK(matmul.k == Extent{2048, -1});
}

TEST_CASE("comments, blanks, hexadecimal numbers and any order of fields are read") {
  Image plain = parsed("rnpu 1.0\nsram 64\nprologue\n"
                       "load #7 src=weights+0x10 dst=sram+0x0 run=64 \"a;b\"\n");
  Image loose = parsed("; a comment\n\n  rnpu 1.0 ; another\nsram 0x40\r\nprologue\n"
                       "\tload\t#7   run=0x40 dst=sram+0 src=weights+16 \"a;b\" ; the last\n");
  CHECK(plain == loose);
  CHECK(plain.program.prologue.commands[0].name == "a;b");
}

TEST_CASE("errors say line and column") {
  const std::string at = "rnpu assembly: line 6";
  CHECK(errorOf("jump #1") == at + ", column 5: 'jump' is no command, section or header line");
  CHECK(errorOf("load src=weights+0") == at + ", column 6: expected '#'");
  CHECK(errorOf("load #1 src=flash+0") == at + ", column 13: 'flash' is not a space");
  CHECK(errorOf("load #1 src=weights+x") == at + ", column 21: expected a number");
  CHECK(errorOf("load #1 colour=red") == at + ", column 9: no field of a load command");
  CHECK(errorOf("load #1 run=1 run=2") == at + ", column 19: a second run=");
  CHECK(errorOf("load #1 run=1x") == at + ", column 14: unexpected 'x'");
  CHECK(errorOf("load #1 src=weights+0 run=1") == at + ": the load command lacks dst");
  CHECK(errorOf("load #1 src=weights+0 dst=sram+0 run=1 ids=ids+0") ==
        at + ": the load command lacks ids and bound");
  CHECK(errorOf("load #1 wait=tensor>5") == at + ", column 20: expected '>='");
  CHECK(errorOf("load #4294967296") == at + ", column 7: the number exceeds 4294967295");
  CHECK(errorOf("load #1 \"open") == at + ", column 9: a text without its closing quote");
  CHECK(errorOf("load #1 \"a\" run=1") == at + ", column 13: nothing may follow the name");
  CHECK(errorOf("vector #1 tokens=1 columns=1 %1=constant(1)") ==
        at + ", column 32: steps are numbered in order, this one is %0");
  CHECK(errorOf("vector #1 tokens=1 columns=1 %0=double(1)") ==
        at + ", column 33: 'double' is not a step");
  CHECK(errorOf("vector #1 tokens=1 columns=1 o1=sram+0:f32(0,0,4)") ==
        at + ", column 30: no field of a vector command");
  CHECK(errorOf("tensor #1 linear tokens=1 n=1 k=1 a=sram+0:i8(0,0,1) b=sram+0:i8(0,0,16) "
                "out=sram+0:f32(0,0,4)") == at + ": the tensor command lacks format");
}

TEST_CASE("a command that breaks a rule is an error with its line") {
  CHECK(errorOf("load #1 src=weights+0 dst=sram+0x10000 run=1") ==
        "rnpu assembly: line 6: body command 0 (load, id 1): destination: reaches SRAM address "
        "65537, the program states 65536");
  CHECK(errorOf("store #1 src=sram+0 dst=weights+0 run=1") ==
        "rnpu assembly: line 6: body command 0 (store, id 1): destination: store cannot write "
        "weights");
}

TEST_CASE("errors of the program's frame") {
  CHECK(programError("") == "rnpu assembly: line 1: a program begins with 'rnpu 1.0'");
  CHECK(programError("rnpu 2.0\n") ==
        "rnpu assembly: line 1, column 5: a program begins with 'rnpu 1.0'");
  CHECK(programError("rnpu 1.0\nload #1\n") ==
        "rnpu assembly: line 2, column 5: a command before 'prologue', 'body' or 'epilogue'");
  CHECK(programError("rnpu 1.0\nbody\nprologue\n") ==
        "rnpu assembly: line 3, column 9: prologue, body and epilogue come once and in this order");
  CHECK(programError("rnpu 1.0\nmachine 12\n") ==
        "rnpu assembly: line 2, column 11: expected 64 hexadecimal digits");
  CHECK(programError("rnpu 1.0\ntrips 3\n") == "rnpu assembly: trips without a body");
}
