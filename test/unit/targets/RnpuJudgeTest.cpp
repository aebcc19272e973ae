// The judge: races by happens-before, chaos, deadlock.
#include "test/unit/targets/RnpuTestKit.h"

#include "catch2/catch.hpp"

using namespace llmc::rnpu;
using namespace llmc::rnpu::test;

namespace {

const WeightFormat formats[] = {{ElementType::I8, ScaleKind::F32Row, 0},
                                {ElementType::I4, ScaleKind::MultiplierF32Row, 32},
                                {ElementType::I4, ScaleKind::F16Group, 32}};

/// Loads are slow and one at a time, the tensor engine is fast: no load ever overtakes a reader.
Machine slowLoads() {
  Machine m = smallMachine();
  m.dmaOutstanding = 1;
  return m;
}

/// The tensor engine is slow: no reader ever overtakes a load.
Machine slowTensor() {
  Machine m = smallMachine();
  m.tensor.timing.issueCycles = 1000000;
  return m;
}

} // namespace

TEST_CASE("the two-slot GEMV runs without a fault and gives the scalar result") {
  std::vector<float> expected;
  std::mt19937 random(7);
  for (const WeightFormat &format : formats)
    for (int i = 0; i < 12; ++i) {
      const uint32_t rows = 4 * (1 + random() % 12), k = 1 + random() % 300;
      Gemv g = makeGemv(rows, k, 1 + random() % 5, format, random(), expected);
      const Result result = runGemv(g, smallMachine());
      INFO(rows << "x" << k << (result.fault ? result.fault->message : ""));
      REQUIRE(result.ok());
      CHECK(g.result() == expected);
      CHECK(result.counters.macsI8 == uint64_t(g.outputs()) * k);
      CHECK(result.sramPeak <= g.program.sramBytes);
    }
}

TEST_CASE("removing any wait of the GEMV is a fault") {
  std::vector<float> expected;
  const Gemv good = makeGemv(16, 96, 4, formats[1], 3, expected);
  for (Section Program::*section : {&Program::body, &Program::epilogue})
    for (size_t c = 0; c < (good.program.*section).commands.size(); ++c)
      for (const Machine &machine : {slowLoads(), slowTensor(), smallMachine()}) {
        Gemv mutant = good;
        (mutant.program.*section).commands[c].waits.clear();
        const Result result = runGemv(mutant, machine);
        REQUIRE(result.fault);
        CHECK((result.fault->kind == FaultKind::Race ||
               result.fault->kind == FaultKind::Uninitialized));
      }
}

// A reader's wait keeps its first trip, in which nothing else could order it; from then on luck
// does.
TEST_CASE("a lost wait is a race, though its timing is benign") {
  std::vector<float> expected;
  Gemv good = makeGemv(16, 96, 4, formats[1], 3, expected);
  for (size_t c = 0; c < good.program.body.commands.size(); ++c) {
    Gemv mutant = good;
    Command &command = mutant.program.body.commands[c];
    REQUIRE(command.waits.size() == 1);
    const bool war = command.engine == Engine::Load;
    if (war)
      command.waits.clear();
    else
      command.waits[0].perTrip = 0;
    const Machine machine = war ? slowLoads() : slowTensor();
    INFO(command.name);
    Options lenient;
    lenient.judgeRaces = false;
    const Result lucky = runGemv(mutant, machine, lenient);
    INFO((lucky.fault ? lucky.fault->message : ""));
    REQUIRE(lucky.ok());
    CHECK(mutant.result() == expected);
    const Result result = runGemv(mutant, machine);
    requireFault(result, FaultKind::Race, war ? "write of sram" : "read of sram");
    CHECK(result.fault->engine == command.engine);
    CHECK(result.fault->message.find("'" + command.name + "'") != std::string::npos);
  }
}

TEST_CASE("weakening a wait by one is a fault") {
  std::vector<float> expected;
  Gemv good = makeGemv(16, 96, 4, formats[0], 4, expected);
  for (Section Program::*section : {&Program::body, &Program::epilogue})
    for (size_t c = 0; c < (good.program.*section).commands.size(); ++c) {
      Gemv mutant = good;
      Command &command = (mutant.program.*section).commands[c];
      command.waits[0].value -= 1;
      INFO(command.name);
      for (const Machine &machine : {slowLoads(), slowTensor(), smallMachine()}) {
        const Result result = runGemv(mutant, machine);
        REQUIRE(result.fault);
        CHECK((result.fault->kind == FaultKind::Race ||
               result.fault->kind == FaultKind::Uninitialized));
      }
    }
}

TEST_CASE("chaos changes times and nothing else") {
  std::vector<float> expected;
  Gemv g = makeGemv(8, 64, 4, formats[2], 5, expected);
  const Result calm = runGemv(g, smallMachine());
  REQUIRE(calm.ok());
  unsigned different = 0;
  for (uint64_t seed = 0; seed < 250; ++seed) {
    std::fill(g.io.begin() + std::ptrdiff_t(g.ioY), g.io.end(), uint8_t(0));
    Options options;
    options.chaosSeed = seed;
    const Result result = runGemv(g, smallMachine(), options);
    REQUIRE(result.ok());
    REQUIRE(g.result() == expected);
    different += result.cycles != calm.cycles;
    REQUIRE(result.memories[2].read == calm.memories[2].read);
  }
  CHECK(different > 200);
}

TEST_CASE("the same dispatch gives the same figures") {
  std::vector<float> expected;
  Gemv g = makeGemv(8, 64, 4, formats[0], 6, expected);
  Simulator simulator(smallMachine());
  const Result first = simulator.dispatch(g.program, g.bindings(), {});
  const Result second = simulator.dispatch(g.program, g.bindings(), {});
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  CHECK(first.cycles == second.cycles);
  CHECK(first.totalEnergy().nominal == second.totalEnergy().nominal);
}

TEST_CASE("a deadlock prints who waits for whom") {
  std::vector<float> expected;
  Gemv g = makeGemv(8, 64, 2, formats[0], 8, expected);
  g.program.body.commands[0].waits[0].value += 2;
  const Result result = runGemv(g, smallMachine());
  requireFault(result, FaultKind::Deadlock,
               "load command 2 (trip 0, id 2, 'w0') waits for tensor "
               ">= 1, which retired 0 of 4");
  CHECK(result.fault->message.find("tensor command 0 (trip 0, id 3, 'mm0') waits for load >= 3, "
                                   "which retired 2 of 6") != std::string::npos);
  CHECK(result.fault->message.find("store command 0") != std::string::npos);
}

TEST_CASE("a wait for more than an engine ever retires is a deadlock") {
  std::vector<float> expected;
  Gemv g = makeGemv(8, 64, 2, formats[0], 8, expected);
  g.program.epilogue.commands[0].waits[0].value = 5;
  requireFault(runGemv(g, smallMachine()), FaultKind::Deadlock, "which retired 4 of 4");
}
