// Weight tiles, the timing and energy laws, and the target's answers.
#include "targets/Rnpu/RnpuTarget.h"
#include "catch2/catch.hpp"
#include "targets/Interface/RowRecords.h"
#include "targets/Rnpu/Assembly.h"
#include "targets/Rnpu/MachineRules.h"
#include "targets/Rnpu/Machines.h"
#include "targets/Rnpu/Timing.h"
#include "targets/Rnpu/Validate.h"
#include "targets/Rnpu/WeightTile.h"
#include "test/unit/targets/KnownTarget.h"

#include <cstdio>
#include <fstream>
#include <random>

using namespace llmc;
using namespace llmc::rnpu;
using namespace llmc::target;

namespace {

/// Random weights of one format, with the storage that WeightRows points into.
struct Weights {
  WeightFormat format;
  uint32_t rows, columns, groups;
  std::vector<int8_t> elements;
  std::vector<float> rowScales, groupScales;
  std::vector<uint8_t> multipliers;
  std::vector<uint16_t> halves;

  Weights(WeightFormat weightFormat, uint32_t rowCount, uint32_t columnCount)
      : format(weightFormat), rows(rowCount), columns(columnCount) {
    std::mt19937 random(rows * 131 + columns);
    groups = format.group ? (columns + format.group - 1) / format.group : 1;
    for (uint32_t i = 0; i < rows * columns; ++i)
      elements.push_back(format.element == ElementType::I4 ? int8_t(int(random() % 16) - 8)
                                                           : int8_t(random()));
    for (uint32_t i = 0; i < rows * groups; ++i) {
      multipliers.push_back(uint8_t(1 + random() % 16));
      halves.push_back(uint16_t(0x3c00 + random() % 1024));
      groupScales.push_back(float(random() % 1000) / -64);
    }
    for (uint32_t i = 0; i < rows; ++i)
      rowScales.push_back(float(random() % 1000) / 128);
  }

  WeightRows view(uint32_t first, uint32_t count) const {
    return {format,
            count,
            columns,
            elements.data() + first * columns,
            rowScales.data() + first,
            multipliers.data() + first * groups,
            halves.data() + first * groups,
            groupScales.data() + first * groups};
  }
};

Machine machineNamed(const std::string &name) {
  std::string error;
  for (const Machine &machine : builtinMachines(error))
    if (machine.name == name)
      return machine;
  FAIL("no machine " << name << ": " << error);
  return {};
}

llmc::test::KnownTarget rnpuTarget() {
  llmc::test::KnownTarget target(createTarget());
  INFO(target.error());
  REQUIRE(!target.machines().empty());
  return target;
}

Program parsedProgram(const std::string &text) {
  std::string error;
  std::optional<Image> image = parseAssembly("rnpu 1.0\n" + text, error);
  INFO(error);
  REQUIRE(image);
  return image->program;
}

VectorChain softmaxPart() {
  VectorChain chain;
  chain.tokens = {1, -1};
  chain.subRows = 3;
  chain.columns = {500, -1};
  chain.positionArgument = 0;
  chain.steps = {{.step = Step::LoadMatrix, .operand = 0},
                 {.step = Step::MaxVisible, .a = 0},
                 {.step = Step::Exp, .a = 0},
                 {.step = Step::Recip, .a = 1},
                 {.step = Step::StoreScalar, .a = 3, .operand = 1},
                 {.step = Step::StoreMatrix, .a = 2, .operand = 2}};
  return chain;
}

const WeightFormat formats[] = {
    {ElementType::I8, ScaleKind::F32Row, 0},
    {ElementType::I4, ScaleKind::F32Row, 0},
    {ElementType::I4, ScaleKind::MultiplierF32Row, 32},
    {ElementType::I4, ScaleKind::MultiplierF32Row, 16},
    {ElementType::I4, ScaleKind::F16Group, 32},
    {ElementType::I8, ScaleKind::F16Group, 64},
    {ElementType::I4, ScaleKind::F32Group, 128},
};

} // namespace

TEST_CASE("a packed tile unpacks to its weights") {
  for (const WeightFormat &format : formats)
    for (uint32_t columns : {1u, 31u, 160u, 257u}) {
      CAPTURE(int(format.element), int(format.scale), format.group, columns);
      Weights weights(format, 5, columns);
      TileLayout layout(format, 5, columns);
      std::vector<uint8_t> tile = {1, 2, 3};
      packRowRecords(weights.view(0, 5), tile);
      REQUIRE(tile.size() == 3 + layout.bytes);
      tile.erase(tile.begin(), tile.begin() + 3);
      CHECK(layout.record.bytes % 16 == 0);
      CHECK(layout.record.scales % 2 == 0);
      uint32_t group = format.group ? format.group : columns;
      std::vector<int8_t> row(columns);
      for (uint32_t r = 0; r < 5; ++r) {
        unpackRow(layout, tile.data(), r, row.data());
        for (uint32_t c = 0; c < columns; ++c) {
          uint32_t index = r * weights.groups + c / group;
          int m = format.scale == ScaleKind::MultiplierF32Row ? weights.multipliers[index] : 1;
          REQUIRE(int(row[c]) == weights.elements[r * columns + c] * m);
          if (format.scale == ScaleKind::F32Group)
            REQUIRE(groupScale(layout, tile.data(), r, c / group) == weights.groupScales[index]);
          if (format.scale == ScaleKind::F16Group) // 0x3c00 + i is 1 + i/1024
            REQUIRE(groupScale(layout, tile.data(), r, c / group) ==
                    1 + float(weights.halves[index] - 0x3c00) / 1024);
        }
        if (format.scale == ScaleKind::F32Row || format.scale == ScaleKind::MultiplierF32Row)
          REQUIRE(rowScale(layout, tile.data(), r) == weights.rowScales[r]);
      }
    }
}

TEST_CASE("tiles of consecutive rows are the matrix") {
  for (const WeightFormat &format : formats) {
    Weights weights(format, 9, 70);
    std::vector<uint8_t> whole, parts;
    packRowRecords(weights.view(0, 9), whole);
    packRowRecords(weights.view(0, 4), parts);
    packRowRecords(weights.view(4, 5), parts);
    CHECK(whole == parts);
  }
}

TEST_CASE("a record's bytes are where the format says") {
  // 5 columns of i4, groups of 2: elements e0|e1, e2|e3, e4|0; multipliers m0-1|m1-1, m2-1|0.
  const int8_t elements[] = {-8, 7, 1, -1, 3};
  const uint8_t multipliers[] = {1, 16, 3};
  const float scale = 1.0f;
  WeightRows rows;
  rows.format = {ElementType::I4, ScaleKind::MultiplierF32Row, 2};
  rows.rows = 1;
  rows.columns = 5;
  rows.elements = elements;
  rows.multipliers = multipliers;
  rows.rowScales = &scale;
  std::vector<uint8_t> tile;
  packRowRecords(rows, tile);
  CHECK(tile == std::vector<uint8_t>{0x78, 0xf1, 0x03, 0xf0, 0x02, 0, 0, 0, //
                                     0, 0, 0x80, 0x3f, 0, 0, 0, 0});
}

TEST_CASE("DMA cycles follow Little's law and the burst") {
  Machine soc = machineNamed("rnpu-soc");
  // 64 reads of 128 bytes every 500 cycles: 16.384 bytes per cycle.
  DmaCycles cycles = cyclesOf(soc, DmaShape{Space::Weights, true, 45056, 1});
  CHECK(cycles.setup == 16);
  CHECK(cycles.latency == 500);
  CHECK(cycles.transfer == 2750);
  // Writes: 32 of 128 bytes every 250 cycles, the same rate.
  CHECK(cyclesOf(soc, DmaShape{Space::State, false, 1920, 1}).transfer == 118);
  CHECK(cyclesOf(soc, DmaShape{Space::State, false, 1920, 1}).latency == 250);
  // 16 bytes cost a burst of 128, 130 bytes cost themselves.
  CHECK(offChipBytes(soc, DmaShape{Space::State, true, 16, 10}) == 1280);
  CHECK(offChipBytes(soc, DmaShape{Space::State, true, 130, 10}) == 1300);
  CHECK(cyclesOf(soc, DmaShape{Space::State, true, 16, 10}).transfer == 79);
  // Nothing to move costs the set-up alone.
  CHECK(cyclesOf(soc, DmaShape{Space::State, true, 0, 10}).total() == 16);
  CHECK(cyclesOf(soc, DmaShape{Space::State, true, 64, 0}).total() == 16);
  // The MCU's flash gives 0.8 bytes per cycle after 64.
  CHECK(cyclesOf(machineNamed("rnpu-mcu"), DmaShape{Space::Weights, true, 800, 1}).total() ==
        16 + 64 + 1000);
}

TEST_CASE("shapes take arguments, and touching runs are one") {
  Dma dma;
  dma.source = {Space::State, 0, -1, 0, 0};
  dma.destination.space = Space::Sram;
  dma.run = {512, 0};
  dma.runUnit = 64;
  dma.counts[0] = {4, 1};
  dma.sourceStrides[0] = 512;
  const uint32_t arguments[] = {3, 2};
  DmaShape all = shapeOf(dma), some = shapeOf(dma, arguments);
  CHECK(all.run == 2048);
  CHECK(all.runs == 1);
  CHECK(some.run == 192);
  CHECK(some.runs == 2);
  CHECK(some.load);
  dma.gather = true;
  CHECK(shapeOf(dma).runs == 4);
}

TEST_CASE("matmul cycles are the largest of MAC, decoder and output time") {
  Machine soc = machineNamed("rnpu-soc");
  MatmulShape gemv;
  gemv.format = {ElementType::I4, ScaleKind::MultiplierF32Row, 32};
  gemv.rows = 1, gemv.n = 40, gemv.k = 2048;
  CHECK(cyclesOf(soc, gemv) == 32 + 40 * 2048 / 64);
  gemv.format.element = ElementType::I8; // the decoder gives 32 a cycle
  CHECK(cyclesOf(soc, gemv) == 32 + 40 * 2048 / 32);
  gemv.rows = 64; // the array is full
  CHECK(cyclesOf(soc, gemv) == 32 + 64 * 40 * 2048 / 2048);
  gemv.rows = 8; // 8 * 64 MAC per cycle, but the decoder is slower
  CHECK(cyclesOf(soc, gemv) == 32 + 40 * 2048 / 32);
  MatmulShape scores;
  scores.kind = MatmulKind::Scores;
  scores.rows = 3, scores.n = 512, scores.k = 64; // 3 * 32 MAC per cycle
  CHECK(cyclesOf(soc, scores) == 32 + 1024);
  scores.rows = 192, scores.n = 64, scores.k = 8; // 8 results leave per cycle
  CHECK(cyclesOf(soc, scores) == 32 + 192 * 64 / 8);
  scores.k = 0; // zeros are still written
  CHECK(cyclesOf(soc, scores) == 32 + 192 * 64 / 8);
  scores.n = 0;
  CHECK(cyclesOf(soc, scores) == 32);
}

TEST_CASE("vector cycles are beats times steps") {
  Machine soc = machineNamed("rnpu-soc");
  VectorChain chain = softmaxPart();
  // 500 columns are 8 beats of 64: load 8, max 8, exp 4*8, recip 4, two stores 1 and 8.
  CHECK(cyclesOf(soc, shapeOf(chain)) == 32 + 3 * (8 + 8 + 32 + 4 + 1 + 8));
  chain.tokens.value = 0;
  CHECK(cyclesOf(soc, shapeOf(chain)) == 32);
}

TEST_CASE("energy is counts times bands") {
  Machine soc = machineNamed("rnpu-soc");
  Energy dma = energyOf(soc, DmaShape{Space::Weights, true, 16, 10});
  CHECK(dma.offChip.nominal == Approx(1280 * 64.0)); // whole bursts
  CHECK(dma.offChip.low == Approx(1280 * 44.8));
  CHECK(dma.offChip.high == Approx(1280 * 96.0));
  CHECK(dma.sram.nominal == Approx(160 * 1.2));
  CHECK(dma.compute.high == 0);
  MatmulShape gemv;
  gemv.rows = 2, gemv.n = 40, gemv.k = 60; // records of 64 bytes
  Energy matmul = energyOf(soc, gemv);
  CHECK(matmul.compute.nominal == Approx(2 * 40 * 60 * 0.08));
  CHECK(matmul.sram.nominal == Approx((40 * 64 + 2 * 64 + 2 * 40 * 4) * 1.2));
  const uint32_t bits[] = {32, 32, 16};
  Energy vector = energyOf(soc, shapeOf(softmaxPart()), bits);
  CHECK(vector.compute.nominal == Approx(3 * (500 + 500 + 4 * 500 + 4 + 1 + 500) * 0.38));
  CHECK(vector.sram.nominal == Approx(3 * (500 * 4 + 4 + 500 * 2) * 1.2));
  Energy total = dma;
  total += vector;
  CHECK(total.total().high == Approx(dma.total().high + vector.total().high));
  CHECK(staticEnergy(soc, 1000).nominal == Approx(550e6 / 1e3)); // 550 mW for a microsecond
}

TEST_CASE("the target answers with the laws") {
  const llmc::test::KnownTarget target = rnpuTarget();
  const Machine &soc = target.machines()[0];
  CHECK(target->name() == "rnpu");
  CHECK(target->rowGranule(soc) == 16);
  CHECK(target->packedBytes(soc, {ElementType::I4, ScaleKind::MultiplierF32Row, 32}, 40, 2048) ==
        42880);
  CHECK(target->dmaCycles(soc, Space::Weights, 45056, 1, true) == 16 + 500 + 2750);
  CHECK(target->dmaCycles(soc, Space::State, 160, 10, true) == 16 + 500 + 79);
  Matmul matmul;
  matmul.tokens = {64, 0};
  matmul.n = {40, -1};
  matmul.k = {2048, -1};
  CHECK(target->cycles(soc, matmul) == 32 + 64 * 40);
  CHECK(target->legalization(soc).dynamicActivations);
  CHECK(target->legalization(soc).floatVectors);
}

TEST_CASE("unsupported kernels come with a reason") {
  const llmc::test::KnownTarget target = rnpuTarget();
  const Machine &soc = target.machines()[0];
  Matmul matmul;
  matmul.n = {40, -1};
  matmul.k = {200000, -1};
  CHECK(target->supports(soc, matmul).reason ==
        "linear: k 200000 exceeds 131072, beyond which an int32 sum may overflow");
  matmul.k = {64, 0};
  CHECK(target->supports(soc, matmul).reason == "linear: n and k must be numbers");
  matmul.format = {ElementType::I8, ScaleKind::MultiplierF32Row, 32};
  CHECK(target->supports(soc, matmul).reason == "format: multipliers need i4 elements");
  matmul.epilogue = Epilogue::Add;
  CHECK(target->supports(soc, matmul).reason ==
        "matmul: outputs are stored as they are, without an epilogue");
  matmul.epilogue = Epilogue::Store;
  matmul.kind = MatmulKind::Values;
  CHECK(target->supports(soc, matmul).supported);
  CHECK(target->supports(soc, Attention()).reason ==
        "its command streams are made of matrix multiplications and vector chains");
  VectorChain chain = softmaxPart();
  CHECK(target->supports(soc, chain).supported);
  chain.steps.insert(chain.steps.begin() + 4, 60, {.step = Step::Exp, .a = 0});
  CHECK(target->supports(soc, chain).reason ==
        "chain of 66 steps, rnpu-soc runs at most 64 in one command");
  chain.positionArgument = -1;
  CHECK(target->supports(soc, chain).reason == "step 1: maxVisible: needs the position argument");
}

TEST_CASE("emit writes a blob for its machine and refuses what the machine cannot run") {
  const llmc::test::KnownTarget target = rnpuTarget();
  const Machine &soc = target.machines()[0], &mcu = target.machines()[1];
  std::string error;
  Program program = parsedProgram(
      "entry \"e\"\nsram 600000\nprologue\nload #1 src=weights+0 dst=sram+0 run=64\n");
  std::optional<std::vector<uint8_t>> blob = target->emit(soc, program, error);
  REQUIRE(blob);
  std::string text = target->disassemble(*blob, error);
  CHECK(text.find("load   #1 src=weights+0x0 dst=sram+0x0 run=64\n") != std::string::npos);
  std::optional<Image> image = decode(blob->data(), blob->size(), error);
  REQUIRE(image);
  CHECK(image->machine == soc.digest);
  CHECK_FALSE(target->emit(mcu, program, error));
  CHECK(error == "rnpu program 'e' on rnpu-mcu: needs 600000 bytes of SRAM, there are 524288");
  program =
      parsedProgram("entry \"e\"\nsram 600\nprologue\nload #1 src=weights+8 dst=sram+0 run=64\n");
  CHECK_FALSE(target->emit(soc, program, error));
  CHECK(error == "rnpu program 'e' on rnpu-soc: prologue command 0 (load, id 1): source: address "
                 "is not a multiple of 16, which weights asks for");
  program = parsedProgram("entry \"e\"\nsram 600\nprologue\nload #1 src=weights+0 dst=sram+0 run=4 "
                          "counts=2,1 srcStrides=16,0 dstStrides=4,0\n");
  CHECK_FALSE(target->emit(soc, program, error));
  CHECK(error == "rnpu program 'e' on rnpu-soc: prologue command 0 (load, id 1): destination: "
                 "stride 4 is not a multiple of 16, which sram asks for");
  program.sramBytes = 2;
  CHECK_FALSE(target->emit(soc, program, error));
  CHECK(error == "rnpu program 'e': prologue command 0 (load, id 1): destination: reaches SRAM "
                 "address 8, the program states 2");
  CHECK(target->disassemble({1, 2, 3}, error).empty());
  CHECK(error == "rnpu blob: byte 0: 3 bytes are less than a header of 224");
}

TEST_CASE("machines can be added from files") {
  std::ifstream in(LLMC_MACHINES "/rnpu-soc.json");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  auto create = [&](const std::string &from, const std::string &to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    std::string path = "rnpu-target-test-machine.json";
    std::ofstream(path) << changed;
    llmc::test::KnownTarget target(createTarget(), {path});
    std::remove(path.c_str());
    return target;
  };
  const llmc::test::KnownTarget target = create("\"rnpu-soc\"", "\"my-soc\"");
  REQUIRE(target.machines().size() == 3);
  CHECK(target.machines()[2].name == "my-soc");
  CHECK(create("\"target\": \"rnpu\"", "\"target\": \"other\"").error() ==
        "machine description rnpu-target-test-machine.json: for target 'other', not 'rnpu'");
  CHECK(create("\"rnpu-soc\"", "\"my-soc\", \"dispatch\": \"kernel\"").error() ==
        "machine 'my-soc': an rnpu runs command streams; its description must not say "
        "\"dispatch\": \"kernel\"");
  CHECK(create("x", "x").error() ==
        "machine description rnpu-target-test-machine.json: a machine named 'rnpu-soc' "
        "exists already; give this one another name");
}
