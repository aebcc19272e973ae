// x86-64 as the compiler meets it: its machine, variants, packing, refusals, estimates and kernels.
#include "test/unit/targets/KnownTarget.h"
#include "test/unit/targets/LlvmMatmulKit.h"

#include "runtime/drivers/cpu/cpu_features.h"
#include "runtime/drivers/cpu/kernel_abi.h"
#include "targets/Llvm/Layout/X86PackedRows.h"
#include "targets/Llvm/LlvmHost.h"
#include "targets/X86/X86Isa.h"
#include "targets/X86/X86Target.h"

#include "catch2/catch.hpp"

#include <cstdio>
#include <fstream>

using namespace llmc;
using namespace llmc::target;
using namespace llmc::test;

namespace {

constexpr WeightFormat w8{ElementType::I8, ScaleKind::F32Row, 0};
constexpr WeightFormat m32{ElementType::I4, ScaleKind::MultiplierF32Row, 32};
constexpr WeightFormat g32{ElementType::I4, ScaleKind::F16Group, 32};

KnownTarget create() {
  KnownTarget target(x86::createTarget());
  INFO(target.error());
  REQUIRE(target.machines().size() == 1);
  return target;
}

Matmul linear(const WeightFormat &format, uint32_t rows, uint32_t n, uint32_t k) {
  Matmul matmul;
  matmul.format = format;
  matmul.tokens = {rows};
  matmul.n = {n};
  matmul.k = {k};
  return matmul;
}

/// out = x + x, a row after the other.
VectorChain doubling(uint32_t rows, uint32_t columns) {
  VectorChain chain;
  chain.tokens = {rows};
  chain.columns = {columns};
  chain.steps = {{.step = Step::LoadMatrix, .operand = 0},
                 {.step = Step::Add, .a = 0, .b = 0},
                 {.step = Step::StoreMatrix, .a = 1, .operand = 1}};
  return chain;
}

KernelRequest packing(uint32_t rows, uint32_t columns, uint64_t bytes) {
  PackRows pack;
  pack.tokens = {rows};
  pack.columns = columns;
  KernelOperand from{.type = ElementType::I8, .tokenStride = columns};
  KernelOperand packed{.type = ElementType::U8, .bytes = bytes};
  return {"pack", pack, {from, packed}};
}

} // namespace

TEST_CASE("x86-64: one machine, whose kernels are dispatched one by one") {
  const KnownTarget target = create();
  const Machine &machine = target.machines()[0];
  CHECK(target->name() == LLMC_CPU_BACKEND);
  CHECK(machine.name == "x86-64");
  CHECK(machine.target == target->name());
  CHECK(machine.dispatch == DispatchKind::Kernel);
  CHECK(machine.prefillChunks == std::vector<uint32_t>{512});
  CHECK(machine.headRows == 16);
  CHECK(machine.sram().bytes == 2u << 20);
  // 28 GB/s at 3 GHz; what is outstanding would allow more.
  CHECK(machine.memory("dram")->effectiveReadRate() == Approx(9.3));
  CHECK(target->rowGranule(machine) == 16);
  CHECK(target->legalization(machine).dynamicActivations);
  CHECK(target->legalization(machine).floatVectors);
}

TEST_CASE("x86-64: variants are those that the device knows, and as it wants them") {
  const KnownTarget target = create();
  const std::vector<Variant> variants = target->variants(target.machines()[0]);
  REQUIRE(variants.size() == std::size(rt::cpu::allIsas)); // both the least demanding first
  for (size_t i = 0; i < variants.size(); ++i) {
    CHECK(variants[i].name == rt::cpu::nameOf(rt::cpu::allIsas[i]));
    CHECK(variants[i].abi == LLMC_CPU_KERNEL_ABI);
    CHECK(variants[i].driverMin == LLMC_CPU_DRIVER_VERSION);
    CHECK(variants[i].stackBytes == LLMC_CPU_STACK_BYTES);
  }
}

TEST_CASE("x86-64: weights are packed in the layout of its kernels") {
  const KnownTarget target = create();
  for (const WeightFormat &format : {w8, m32, g32})
    for (uint32_t rows : {1, 16, 33}) {
      const LinearCase layer(format, 1, rows, 96, 5);
      std::vector<uint8_t> packed{1, 2, 3};
      target->pack(target.machines()[0], layer.rows(), packed);
      CHECK(packed.size() == 3 + target->packedBytes(target.machines()[0], format, rows, 96));
      CHECK(std::vector<uint8_t>(packed.begin() + 3, packed.end()) == layer.packed);
    }
  const WeightFormat odd{ElementType::I4, ScaleKind::F16Group, 12};
  CHECK(target->packedBytes(target.machines()[0], odd, 16, 96) == 0);
}

TEST_CASE("x86-64: what it cannot run has a reason") {
  const KnownTarget target = create();
  const Machine &machine = target.machines()[0];
  const auto reason = [&](const auto &work) {
    const Verdict verdict = target->supports(machine, work);
    CHECK(verdict.supported == verdict.reason.empty());
    return verdict.reason;
  };
  CHECK(reason(linear(m32, 512, 256, 2048)).empty());
  CHECK(reason(linear(w8, 1, 256, 131072)).empty());
  CHECK(reason(linear(w8, 1, 256, 131073)) ==
        "linear: 131073 columns of weights, 1 ... 131072 are possible: beyond, an int32 sum may "
        "overflow");
  CHECK(reason(linear({ElementType::I4, ScaleKind::F16Group, 12}, 1, 16, 96)) ==
        "linear: groups of 12: a group is a multiple of 8, multipliers need i4 elements, and a "
        "scale per row has no groups");
  CHECK(reason(linear({ElementType::F16, ScaleKind::F32Row, 0}, 1, 16, 96)) ==
        "linear: weights must be i8 or i4");
  Matmul matmul = linear(w8, 1, 16, 96);
  matmul.n.argument = 0;
  CHECK(reason(matmul) == "linear: n and k must be numbers");
  matmul = linear(w8, 1, 16, 96);
  matmul.accumulate = true;
  CHECK(reason(matmul) == "linear: takes no scale and does not accumulate");
  matmul.kind = MatmulKind::Values;
  CHECK(reason(matmul).empty());
  matmul.epilogue = Epilogue::Add;
  CHECK(reason(matmul) == "only a linear layer has an epilogue");
  matmul.epilogue = Epilogue::Store;
  matmul.scale = 2;
  CHECK(reason(matmul) == "values: takes no scale");
  matmul.kind = MatmulKind::Scores;
  CHECK(reason(matmul) == "scores: has a finite scale and does not accumulate");

  matmul = linear(w8, 1, 48, 96);
  matmul.epilogue = Epilogue::SiluMul;
  CHECK(reason(matmul) == "linear: gates and ups are 48 rows, not a multiple of 32");
  matmul.n = {64};
  CHECK(reason(matmul).empty());

  VectorChain chain = doubling(4, 64);
  CHECK(reason(chain).empty());
  chain.steps[1].b = 2;
  CHECK(reason(chain) == "step 1: add: input %2 is no earlier result");
  chain = doubling(4, 64);
  chain.steps.resize(256, chain.steps[0]);
  CHECK(reason(chain) == "chain of 256 steps, x86-64 runs at most 255 in one kernel");
  CHECK(reason(PackRows{{512}, 1, 96, 32}).empty());
  CHECK(reason(PackRows{{512}, 1, 96, 12}) ==
        "packing rows: groups of 12: a group is a multiple of 8, multipliers need i4 elements, and "
        "a scale per row has no groups");
  CHECK(reason(PackRows{{512}, 0, 96, 0}) == "packing rows: subRows must be at least 1");
  CHECK(reason(EmbedRows{{1}, 96, w8}).empty());
  CHECK(reason(EmbedRows{{1}, 0, w8}).starts_with("embedding: 0 columns of weights"));
  CHECK(reason(EmbedRows{{1}, 96, w8, true}) ==
        "embedding: rows are gathered from the table in memory alone");
  Attention attention{{512}, 32, 4, 64, 2048, 0.125f, 0};
  CHECK(reason(attention).empty());
  attention.kvHeads = 5;
  CHECK(reason(attention) == "attention: 32 heads cannot share 5 KV heads evenly");
  attention.kvHeads = 4;
  attention.capacity = 1 << 20;
  CHECK(reason(attention).starts_with("attention: one row over 1048576 positions"));
}

TEST_CASE("x86-64: one row waits for weights, many rows for products") {
  const KnownTarget target = create();
  const Machine &machine = target.machines()[0];
  const uint64_t launch = machine.launchCycles;
  const double weights = double(target->packedBytes(machine, m32, 2048, 5632));
  CHECK(double(target->cycles(machine, linear(m32, 1, 2048, 5632)) - launch) ==
        Approx(weights / 9.3).epsilon(1e-3));
  CHECK(target->cycles(machine, linear(m32, 512, 2048, 5632)) - launch ==
        512ull * 2048 * 5632 / 256);
  CHECK(target->cycles(machine, linear(m32, 0, 2048, 5632)) == launch);
  // Few products for each output, which are stored, and added or gated, 64 of them at a time.
  Matmul shallow = linear(m32, 512, 2048, 8);
  const auto behind = [&](Epilogue epilogue) {
    shallow.epilogue = epilogue;
    return target->cycles(machine, shallow) - launch;
  };
  const uint64_t stored = behind(Epilogue::Store);
  CHECK(behind(Epilogue::Add) == stored + 512 * 2048 / 64);
  CHECK(behind(Epilogue::SiluMul) == stored + 512 * 1024 / 64 * (16 + 2));
  Matmul scores = linear(w8, 4, 1024, 64);
  scores.kind = MatmulKind::Scores; // 1,024 cached rows of 64 fp16
  CHECK(double(target->cycles(machine, scores) - launch) ==
        Approx(1024 * 64 * 2 / 9.3).epsilon(1e-3));
  // Three steps of 2,048 / 64 beats, one of which is a sequence; two of them move 8 KB at 96 bytes.
  VectorChain chain = doubling(10, 2048);
  CHECK(target->cycles(machine, chain) - launch == (10 * 2 * 8192 + 95) / 96);
  chain.steps[1].step = Step::Exp;
  CHECK(target->cycles(machine, chain) - launch == 10 * (2048 / 64) * (1 + 16 + 1));
  CHECK(target->dmaCycles(machine, Space::Weights, 0, 0, true) == 0);
  CHECK(target->dmaCycles(machine, Space::Weights, 93, 1, true) == 360 + 10);
  CHECK(target->dmaCycles(machine, Space::State, 64, 16, true) == 360 + 111); // 16 lines
}

TEST_CASE("x86-64: kernels of every variant are code of that variant") {
  const KnownTarget target = create();
  const Machine &machine = target.machines()[0];
  const IsaTable *tables[] = {&x86Avx2(), &x86Avx512(), &x86Amx()};
  const KernelOperand row{.type = ElementType::F32, .tokenStride = 40 * 4};
  const std::vector<KernelRequest> kernels = {{"first", doubling(2, 40), {row, row}},
                                              {"second", doubling(3, 40), {row, row}}};
  const std::vector<Variant> variants = target->variants(machine);
  for (size_t i = 0; i < variants.size(); ++i) {
    std::string error;
    const auto blob = target->emitKernels(machine, variants[i], kernels, LlvmHost(), error);
    INFO(variants[i].name << error);
    REQUIRE(blob);
    REQUIRE(blob->entries.size() == 2);
    CHECK(blob->entries[0].name == "first");
    CHECK(blob->entries[1].name == "second");
    CHECK(LLMC_CPU_CODE_ALIGNMENT % blob->alignment == 0);
    CHECK(blob->bytes == lowerLlvm(kernels, *tables[i], error)->bytes);
    if (!canRun(*tables[i]))
      continue;
    std::vector<float> in(3 * 40), out(3 * 40), expected(3 * 40);
    Random random(3);
    for (size_t k = 0; k < in.size(); ++k) {
      in[k] = random.value();
      expected[k] = in[k] + in[k];
    }
    void *operands[] = {in.data(), out.data()};
    BlobImage(*blob).entry<Kernel>("second")(operands, nullptr, 0, 1);
    CHECK(out == expected);
  }
}

TEST_CASE("x86-64: packed rows must have the room their instruction set takes") {
  const KnownTarget target = create();
  const Machine &machine = target.machines()[0];
  const std::vector<Variant> variants = target->variants(machine);
  PackRows pack = std::get<PackRows>(packing(17, 100, 0).work);
  const uint64_t vectors = packedRowsBytes(x86Avx2(), pack),
                 tiles = packedRowsBytes(x86Amx(), pack);
  REQUIRE(vectors < tiles);
  CHECK(target->packedRowsBytes(machine, pack) == tiles);
  pack.tokens = {8};
  CHECK(target->packedRowsBytes(machine, pack) == packedRowsBytes(x86Amx(), pack));
  pack.group = 16; // AMX has no tiles for groups, and a small sum for each takes room.
  CHECK(target->packedRowsBytes(machine, pack) == packedRowsBytes(x86Avx2(), pack));
  std::string error;
  CHECK(target->emitKernels(machine, variants[0], {packing(17, 100, vectors)}, LlvmHost(), error));
  CHECK(target->emitKernels(machine, variants[2], {packing(17, 100, tiles)}, LlvmHost(), error));
  CHECK_FALSE(
      target->emitKernels(machine, variants[2], {packing(17, 100, vectors)}, LlvmHost(), error));
  CHECK(error == "kernel 'pack' for 'amx': 17 rows of 100 columns take 4224 bytes packed, its "
                 "operand has " +
                     std::to_string(vectors));
}

TEST_CASE("x86-64: what it refuses to emit") {
  const KnownTarget target = create();
  const Machine &machine = target.machines()[0];
  std::string error;
  CHECK_FALSE(target->emitKernels(machine, {.name = "sse2"}, {}, LlvmHost(), error));
  CHECK(error == "x86-64 has no variant 'sse2'; it has avx2, avx512, amx");
  const std::vector<KernelRequest> bad = {{"chain", doubling(2, 40), {}}};
  CHECK_FALSE(target->emitKernels(machine, {.name = "avx2"}, bad, LlvmHost(), error));
  CHECK(error == "kernel 'chain' for 'avx2': step 0: operand 0 does not exist");
  Program program;
  program.entry = "decode";
  CHECK_FALSE(target->emit(machine, program, error));
  CHECK(error == "program 'decode': machine 'x86-64' has no command streams, its kernels are "
                 "dispatched one by one");
  CHECK(target->disassemble({0xc3}, error).empty());
  CHECK(error.find("objdump -D -b binary -m i386:x86-64") != std::string::npos);
}

TEST_CASE("x86-64: machines can be added from files, if their kernels are dispatched one by one") {
  std::ifstream in(LLMC_MACHINES "/x86-64.json");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto createWith = [&](const std::string &from, const std::string &to) {
    std::string changed = text;
    changed.replace(changed.find("\"x86-64\""), 8, "\"mine\"");
    changed.replace(changed.find(from), from.size(), to);
    const std::string path = "x86-target-test-machine.json";
    std::ofstream(path) << changed;
    KnownTarget target(x86::createTarget(), {path});
    std::remove(path.c_str());
    return target;
  };
  const KnownTarget target = createWith("[512]", "[256]");
  REQUIRE(target.machines().size() == 2);
  CHECK(target.machines()[1].name == "mine");
  CHECK(createWith("\"dispatch\": \"kernel\",", "").error() ==
        "machine 'mine': a CPU runs kernels one by one; its description must say "
        "\"dispatch\": \"kernel\"");
}
