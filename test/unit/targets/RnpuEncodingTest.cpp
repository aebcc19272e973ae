// The blob: identity of encode and decode, and refusal of everything else.
#include "catch2/catch.hpp"
#include "targets/Interface/Chain.h"
#include "targets/Rnpu/Validate.h"
#include "test/unit/targets/RandomProgram.h"

#include <algorithm>
#include <functional>

using namespace llmc;
using namespace llmc::rnpu;
using namespace llmc::target;

namespace {

std::vector<uint8_t> encoded(const Image &image, bool debug = true) {
  std::string error;
  std::optional<std::vector<uint8_t>> blob = encode(image, error, debug);
  INFO(error);
  REQUIRE(blob);
  return *blob;
}

/// Appendix B of the reference: one slice loaded, one multiplied, in a loop.
Image smallImage() {
  Image image;
  Program &program = image.program;
  program.entry = "small";
  program.arguments = 1;
  program.argumentMax = {7};
  program.trips = 8;
  program.sramBytes = 8192;
  Dma dma;
  dma.source = {Space::Weights, 4096, -1, 0, 1024};
  dma.destination = {Space::Sram, 0, 0, 16, 0};
  dma.run = {1024, -1};
  Command load{Engine::Load, {{Engine::Tensor, -1, 1}}, dma, 1, "slice"};
  MatmulCommand mm;
  mm.matmul.tokens = {1, -1};
  mm.matmul.n = {16, -1};
  mm.matmul.k = {48, -1};
  mm.operands[matmul::A] = {{Space::Sram, 2048, -1, 0, 0}, ElementType::I8, 48, 0, 48};
  mm.operands[matmul::AScale] = {{Space::Sram, 2112, -1, 0, 0}, ElementType::F32, 4, 0, 4};
  mm.operands[matmul::B] = {{Space::Sram, 0, -1, 0, 0}, ElementType::I8, 0, 0, 1024};
  mm.operands[matmul::Out] = {{Space::Sram, 4096, -1, 0, 64}, ElementType::F32, 64, 0, 64};
  Command multiply{Engine::Tensor, {{Engine::Load, 1, 1}}, mm, 2, "product"};
  program.body.commands = {load, multiply};
  return image;
}

void setWord(std::vector<uint8_t> &blob, size_t index, uint32_t word) {
  for (size_t i = 0; i < 4; ++i)
    blob[index * 4 + i] = uint8_t(word >> (8 * i));
}

std::string decodeError(const std::vector<uint8_t> &blob) {
  std::string error;
  CHECK_FALSE(decode(blob.data(), blob.size(), error));
  return error;
}

/// The rule that a changed program breaks.
std::string brokenBy(const std::function<void(Program &)> &change) {
  Image image = smallImage();
  change(image.program);
  std::string error;
  CHECK_FALSE(encode(image, error));
  return error;
}

} // namespace

TEST_CASE("decode after encode is the identity on random programs") {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    Image image = test::RandomProgram(seed).image();
    std::vector<uint8_t> blob = encoded(image);
    std::string error;
    std::optional<Image> back = decode(blob.data(), blob.size(), error);
    INFO("seed " << seed << ": " << error);
    REQUIRE(back);
    REQUIRE(*back == image);
    REQUIRE(encoded(*back) == blob);
  }
}

TEST_CASE("without the debug part only names and the order between engines are lost") {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    Image image = test::RandomProgram(seed).image();
    std::vector<uint8_t> blob = encoded(image, false);
    std::string error;
    std::optional<Image> back = decode(blob.data(), blob.size(), error);
    INFO("seed " << seed << ": " << error);
    REQUIRE(back);
    Image expected = image;
    for (Section *section :
         {&expected.program.prologue, &expected.program.body, &expected.program.epilogue}) {
      std::stable_sort(section->commands.begin(), section->commands.end(),
                       [](const Command &a, const Command &b) { return a.engine < b.engine; });
      for (Command &command : section->commands)
        command.name.clear();
    }
    REQUIRE(*back == expected);
  }
}

TEST_CASE("a blob is recognised by its magic") {
  std::vector<uint8_t> blob = encoded(smallImage());
  CHECK(isBlob(blob.data(), blob.size()));
  CHECK(std::string(blob.begin(), blob.begin() + 4) == "RNPU");
  CHECK_FALSE(isBlob(blob.data(), 3));
  blob[0] = 'r';
  CHECK_FALSE(isBlob(blob.data(), blob.size()));
}

TEST_CASE("header fields are checked") {
  const std::vector<uint8_t> good = encoded(smallImage());
  auto with = [&](size_t index, uint32_t word) {
    std::vector<uint8_t> blob = good;
    setWord(blob, index, word);
    return decodeError(blob);
  };
  CHECK(with(0, 1) == "rnpu blob: byte 0: no rnpu blob: it does not begin with \"RNPU\"");
  CHECK(with(1, 2) == "rnpu blob: byte 0: version 2.0 of the instruction set, 1.0 is known");
  CHECK(with(1, 1 << 16 | 1) ==
        "rnpu blob: byte 0: version 1.1 of the instruction set, 1.0 is known");
  CHECK(with(2, 0x80000018) == "rnpu blob: byte 0: unknown feature bits 0x80000000");
  CHECK(with(2, FeatureLoop | FeatureDebug | FeatureGather) ==
        "rnpu blob: feature bits 0x19, the commands use 0x18");
  CHECK(with(3, 16).find("the header states 16 bytes, there are ") != std::string::npos);
  CHECK(with(12, 255).find("255 arguments, at most 254") != std::string::npos);
  CHECK(with(13, 0) == "rnpu blob: a body without trips");
  CHECK(with(14, 100).find("the program states 100") != std::string::npos);
  CHECK(with(16, 1u << 30).find("a name ends early") != std::string::npos);
  CHECK(with(19, 1) == "rnpu blob: byte 0: reserved word 19 is not 0");
  CHECK(decodeError({good.begin(), good.begin() + 40}).find("40 bytes are less than a header") !=
        std::string::npos);
}

TEST_CASE("every truncation and every changed word is survived") {
  // A change is either refused or gives a program that encodes to exactly these bytes.
  for (uint32_t seed : {1u, 5u, 9u}) {
    const std::vector<uint8_t> good = encoded(test::RandomProgram(seed).image());
    for (size_t size = 0; size < good.size(); size += 4) {
      std::string error;
      std::vector<uint8_t> cut(good.begin(), good.begin() + long(size));
      REQUIRE_FALSE(decode(cut.data(), cut.size(), error));
      REQUIRE_FALSE(error.empty());
    }
    std::mt19937 random(seed);
    for (int i = 0; i < 20000; ++i) {
      std::vector<uint8_t> blob = good;
      blob[random() % blob.size()] ^= uint8_t(1u << random() % 8);
      std::string error;
      std::optional<Image> image = decode(blob.data(), blob.size(), error);
      if (image)
        REQUIRE(encoded(*image) == blob);
      else
        REQUIRE_FALSE(error.empty());
    }
  }
}

TEST_CASE("programs that break a rule are refused with part, command and reason") {
  auto work = [](Program &p, size_t i) -> Command & { return p.body.commands[i]; };
  auto dma = [&](Program &p) -> Dma & { return std::get<Dma>(work(p, 0).work); };
  auto mm = [&](Program &p) -> MatmulCommand & { return std::get<MatmulCommand>(work(p, 1).work); };
  const std::string load = "rnpu program 'small': body command 0 (load, id 1): ";
  const std::string tensor = "rnpu program 'small': body command 1 (tensor, id 2): ";
  CHECK(brokenBy([&](Program &p) { work(p, 0).engine = Engine::Vector; }) ==
        "rnpu program 'small': body command 0 (vector, id 1): vector cannot run this kind of work");
  CHECK(brokenBy([&](Program &p) { work(p, 0).waits[0].engine = Engine::Load; }) ==
        load + "wait for load: its own engine, or a second wait for it");
  CHECK(brokenBy([&](Program &p) { work(p, 0).waits.resize(4); }) ==
        load + "4 waits, at most 3 are possible");
  CHECK(brokenBy([&](Program &p) { work(p, 0).waits[0].value = int64_t(1) << 30; }) ==
        "list of load, command 0 (id 1): wait value 1073741824 does not fit 30 bits");
  CHECK(brokenBy([&](Program &p) { p.epilogue.commands = {work(p, 0)}; }) ==
        "rnpu program 'small': epilogue command 0 (load, id 1): wait for tensor: grows per trip "
        "outside the body");
  CHECK(brokenBy([&](Program &p) {
          p.epilogue.commands = {work(p, 0)};
          p.epilogue.commands[0].waits.clear();
        }) ==
        "rnpu program 'small': epilogue command 0 (load, id 1): source: a trip stride outside "
        "the body");
  CHECK(brokenBy([&](Program &p) { dma(p).destination.argument = 1; }) ==
        load + "destination: argument 1 does not exist, the program has 1");
  CHECK(brokenBy([&](Program &p) { dma(p).destination.argument = -1; }) ==
        load + "destination: a stride of 16 without an argument");
  CHECK(brokenBy([&](Program &p) { dma(p).destination.offset = 7500; }) ==
        load + "destination: reaches SRAM address 8636, the program states 8192");
  CHECK(brokenBy([&](Program &p) { dma(p).destination.space = Space::State; }) ==
        load + "destination: must lie in sram, not state");
  CHECK(brokenBy([&](Program &p) { dma(p).source.offset = uint64_t(1) << 48; }) ==
        load + "source: the address reaches 2^48 or more");
  CHECK(brokenBy([&](Program &p) { dma(p).run = {6, 0}; }) ==
        load + "run: its maximum 6 is below the 7 that argument 0 can make it");
  CHECK(brokenBy([&](Program &p) { dma(p).gather = true; }) ==
        load + "ids: must lie in space ids, not sram");
  CHECK(brokenBy([&](Program &p) {
          work(p, 0).engine = Engine::Store;
          std::swap(dma(p).source, dma(p).destination);
        }) == "rnpu program 'small': body command 0 (store, id 1): destination: store cannot write "
              "weights");
  CHECK(brokenBy([&](Program &p) { mm(p).operands[matmul::B].bytes = 1000; }) ==
        tensor + "b: a packed tile has no strides and here 1024 bytes, not 1000");
  CHECK(brokenBy([&](Program &p) { mm(p).operands[matmul::Out].bytes = 60; }) ==
        tensor + "out: reaches byte 64, its size is 60");
  CHECK(brokenBy([&](Program &p) { mm(p).operands[matmul::Out].address.offset = 4098; }) ==
        tensor + "out: address or stride is not a multiple of 4");
  CHECK(brokenBy([&](Program &p) { mm(p).operands[matmul::A].type = ElementType::F16; }) ==
        tensor + "a: must be i8, not f16");
  CHECK(brokenBy([&](Program &p) { mm(p).matmul.k.value = 131073; }) ==
        tensor + "linear: k 131073 exceeds 131072, beyond which an int32 sum may overflow");
  CHECK(brokenBy([&](Program &p) { mm(p).matmul.kind = MatmulKind::Scores; }) ==
        tensor + "aScale: only linear has one");
  CHECK(brokenBy([&](Program &p) { work(p, 1).name = "a\"b"; }) ==
        tensor + "the name holds a character that is not printable ASCII, '\"' or '\\'");
  CHECK(brokenBy([&](Program &p) { p.argumentMax.clear(); }) ==
        "rnpu program 'small': 0 argument maxima for 1 arguments");
}

TEST_CASE("chains that are not well formed are refused") {
  auto errorOf = [](std::vector<ChainStep> steps, int16_t position = -1) {
    VectorChain chain;
    chain.steps = std::move(steps);
    chain.positionArgument = position;
    std::string error;
    CHECK(target::chainKinds(chain, error).empty());
    return error;
  };
  const ChainStep load{.step = Step::LoadMatrix}, scalar{.step = Step::LoadScalar};
  const ChainStep store{.step = Step::StoreMatrix, .a = 0};
  CHECK(errorOf({}) == "0 steps, 1 ... 255 are possible");
  CHECK(errorOf({load}) == "the last step is no store");
  CHECK(errorOf({load, {.step = Step::Add, .a = 0, .b = 1}, store}) ==
        "step 1: add: input %1 is no earlier result");
  CHECK(errorOf({load, store, {.step = Step::Exp, .a = 1}, store}) ==
        "step 2: exp: input %1 is no earlier result");
  CHECK(errorOf({scalar, {.step = Step::SumLanes, .a = 0}, store}) ==
        "step 1: sumLanes: input must be a vector");
  CHECK(errorOf({load, {.step = Step::InverseScale, .a = 0}, store}) ==
        "step 1: inverseScale: input must be a scalar");
  CHECK(errorOf({load, {.step = Step::MaxVisible, .a = 0}, store}) ==
        "step 1: maxVisible: needs the position argument");
  CHECK(errorOf({scalar, load, {.step = Step::KeepGe, .a = 0, .b = 1}, store}) ==
        "step 2: keepGe: a scalar is kept by a scalar");
  CHECK(errorOf({load, {.step = Step::Exp, .a = 0, .b = 1}, store}) == "step 1: exp has 1 inputs");
  CHECK(errorOf({{.step = Step::LoadGroup, .imm = 0.5f}, store}) ==
        "step 0: loadGroup: the group size must be a whole number from 1 to 2^24 - 1");
  CHECK(errorOf({{.step = Step::LoadMatrix, .imm = 1}, store}) ==
        "step 0: loadMatrix: operand or immediate that it does not use, or not finite");
}
