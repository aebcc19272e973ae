// Microcontrollers as the compiler meets them: machines, refusals, packing, and code for every
// instruction set.
#include "targets/Mcu/McuTarget.h"
#include "runtime/drivers/baremetal/baremetal.h"
#include "targets/Llvm/LlvmHost.h"
#include "targets/Mcu/McuIsa.h"
#include "test/unit/targets/KnownTarget.h"

#include "catch2/catch.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

using namespace llmc;
using namespace llmc::target;

namespace {

constexpr WeightFormat m32{ElementType::I4, ScaleKind::MultiplierF32Row, 32};

test::KnownTarget create() {
  test::KnownTarget target(mcu::createTarget());
  INFO(target.error());
  REQUIRE(!target.machines().empty());
  return target;
}

Matmul linear(const WeightFormat &format, uint32_t rows) {
  Matmul matmul;
  matmul.format = format;
  matmul.tokens = {rows};
  matmul.n = {6};
  matmul.k = {64};
  return matmul;
}

/// A norm and the quantization of its rows: every function there is, and most steps.
VectorChain chain() {
  VectorChain chain;
  chain.tokens = {4, 0};
  chain.columns = {72};
  chain.steps = {{.step = Step::LoadMatrix, .operand = 0},
                 {.step = Step::Mul, .a = 0, .b = 0},
                 {.step = Step::SumLanes, .a = 1},
                 {.step = Step::Rsqrt, .a = 2},
                 {.step = Step::Mul, .a = 0, .b = 3},
                 {.step = Step::Sigmoid, .a = 4},
                 {.step = Step::Exp, .a = 5},
                 {.step = Step::Recip, .a = 6},
                 {.step = Step::AbsMax, .a = 7},
                 {.step = Step::InverseScale, .a = 8},
                 {.step = Step::Mul, .a = 7, .b = 9},
                 {.step = Step::StoreMatrix, .a = 10, .operand = 1}};
  return chain;
}

std::vector<KernelRequest> requests() {
  const KernelOperand rows{ElementType::I8, 64}, scales{ElementType::F32, 4},
      weights{ElementType::I4}, out{ElementType::F32, 24}, packed{ElementType::U8},
      halves{ElementType::F16, 128, 32};
  Matmul gates = linear(m32, 1);
  gates.epilogue = Epilogue::SiluMul;
  Attention attention;
  attention.tokens = {4, 0};
  attention.heads = 4;
  attention.kvHeads = 2;
  attention.headDim = 16;
  attention.capacity = 100;
  attention.positionArgument = 1;
  return {{"row", gates, {rows, scales, weights, out}},
          {"rows", linear(m32, 4), {packed, scales, weights, out}},
          {"groups",
           linear({ElementType::I4, ScaleKind::F16Group, 32}, 4),
           {packed, scales, weights, out}},
          {"pack", PackRows{{4}, 1, 64, 0}, {rows, packed}},
          {"embed", EmbedRows{{4}, 64, m32}, {{ElementType::I32, 4}, weights, out}},
          {"chain", chain(), {{ElementType::F32, 288}, {ElementType::I8, 72}}},
          {"attention", attention, {halves, halves, halves, {ElementType::F32, 256, 64}}}};
}

} // namespace

TEST_CASE("Microcontrollers are direct machines with one instruction set each") {
  const auto target = create();
  CHECK(target->name() == rt::baremetalBackend);
  REQUIRE(target.machines().size() == 4);
  for (const Machine &machine : target.machines()) {
    const std::vector<Variant> variants = target->variants(machine);
    REQUIRE(variants.size() == 1);
    CHECK(variants[0].name == machine.isa);
    CHECK(variants[0].abi == rt::baremetalAbi);
    CHECK(variants[0].driverMin <= rt::baremetalDriver);
    CHECK(machine.pagesWeights() == (machine.name == "cortex-m55-serial"));
    CHECK(machine.constants().name ==
          (machine.pagesWeights() ? machine.placement.state : machine.placement.weights));
    CHECK(machine.memory(machine.placement.scratch)->kind == MemoryKind::Sram);
  }
}

TEST_CASE("Every instruction set has code for every kernel") {
  const auto target = create();
  for (const Machine &machine : target.machines()) {
    std::string error;
    const auto blob =
        target->emitKernels(machine, target->variants(machine)[0], requests(), LlvmHost(), error);
    INFO(machine.name << ": " << error);
    REQUIRE(blob);
    REQUIRE(blob->entries.size() == requests().size());
    for (const BlobEntry &entry : blob->entries) {
      INFO(entry.name << " takes " << entry.stackBytes);
      CHECK(entry.offset < blob->bytes.size());
      CHECK(entry.offset % 2 == (machine.isa == "rv32imc" ? 0 : 1)); // Thumb
      CHECK(entry.stackBytes <= 8192);
    }
    CHECK(blob->entries.back().stackBytes >= 112 * 4); // the scores of a row of attention
  }
}

TEST_CASE("A context whose scores leave the stack of a microcontroller is refused") {
  const auto target = create();
  std::vector<KernelRequest> kernels = {requests().back()};
  std::get<Attention>(kernels[0].work).capacity = 5000;
  std::string error;
  CHECK_FALSE(target->emitKernels(target.machines()[0], {}, kernels, LlvmHost(), error));
  CHECK_THAT(error, Catch::Contains("5000 positions") && Catch::Contains("shorter context"));
}

TEST_CASE("What microcontrollers do not run is refused with the reason") {
  const auto target = create();
  const Machine &machine = target.machines()[0];
  Matmul matmul = linear(m32, 1);
  CHECK(target->supports(machine, matmul).supported);
  matmul.format.group = 24;
  CHECK_THAT(target->supports(machine, matmul).reason, Catch::Contains("groups of 24"));
  matmul.kind = MatmulKind::Scores;
  CHECK_THAT(target->supports(machine, matmul).reason, Catch::Contains("attention kernel"));
  CHECK(target->supports(machine, chain()).supported);
  CHECK(target->supports(machine, PackRows{{16}, 1, 96, 0}).supported);
  CHECK_THAT(target->supports(machine, PackRows{{16}, 1, 0, 0}).reason, Catch::Contains("columns"));
  CHECK_THAT(target->supports(machine, EmbedRows{{1}, 96, matmul.format}).reason,
             Catch::Contains("embedding: groups of 24"));
  Attention attention{{1}, 4, 2, 64, 512, 0.125f, 0};
  CHECK(target->supports(machine, attention).supported);
  attention.capacity = 5000;
  CHECK_THAT(target->supports(machine, attention).reason, Catch::Contains("shorter context"));
  std::string error;
  CHECK_FALSE(target->emit(machine, Program(), error));
  CHECK_THAT(error, Catch::Contains("dispatched one by one"));
  CHECK(target->disassemble({}, error).empty());
  CHECK_THAT(error, Catch::Contains("objdump"));
}

TEST_CASE("A machine file names an instruction set that exists") {
  std::ifstream file(LLMC_MACHINES "/cortex-m55.json");
  std::ostringstream text;
  text << file.rdbuf();
  const auto refusal = [&](const std::string &from, const std::string &to) {
    std::string changed = text.str();
    changed.replace(changed.find("cortex-m55"), 10, "mine");
    const size_t at = changed.find(from);
    REQUIRE(at != std::string::npos);
    changed.replace(at, from.size(), to);
    const std::string path = "mcu-target-test.json";
    std::ofstream(path) << changed;
    const test::KnownTarget target(mcu::createTarget(), {path});
    CHECK(target.machines().empty());
    std::remove(path.c_str());
    return target.error();
  };
  CHECK_THAT(refusal("armv8.1m-mve", "armv9"),
             Catch::Contains("'armv9' is not known") && Catch::Contains("rv32imc"));
  CHECK_THAT(refusal("\"isa\": \"armv8.1m-mve\",", ""), Catch::Contains("'' is not known"));
  CHECK_THAT(refusal("\"dispatch\": \"kernel\",", "\"dispatch\": \"stream\","),
             Catch::Contains("off-chip memory"));
}
