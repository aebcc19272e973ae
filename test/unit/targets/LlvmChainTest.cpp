// Generated chain kernels against scalar code, bit for bit, on every instruction set this machine
// has, and on AArch64 under an emulator.
#include "test/unit/targets/LlvmTestKit.h"

#include "targets/Llvm/Lower.h"
#include "targets/Reference/Difference.h"
#include "targets/Reference/ReferenceKernel.h"
#include "targets/X86/X86Isa.h"

#include "runtime/base/numerics.h"

#include "catch2/catch.hpp"

#include <cstring>

using namespace llmc::target;
using namespace llmc::test;

namespace {

const IsaTable *const isas[] = {&x86Avx2(), &x86Avx512(), &aarch64Dot()};

struct ChainCase {
  VectorChain chain;
  std::vector<KernelOperand> operands;
  std::vector<std::vector<uint8_t>> memory; ///< One per operand.
  std::vector<uint32_t> params;

  void runOnReference() {
    std::vector<uint8_t *> pointers;
    for (auto &bytes : memory)
      pointers.push_back(bytes.data());
    const KernelWork work = chain;
    runReference({work, operands, pointers, nullptr, params});
  }
};

/// A chain with its operands; rows of `columns` elements lie behind each other with a gap.
struct Builder {
  ChainCase data;
  Random random;
  Builder(uint32_t tokens, uint32_t subRows, uint32_t columns, uint64_t seed) : random(seed) {
    data.chain.tokens = {tokens, -1};
    data.chain.subRows = subRows;
    data.chain.columns = {columns, -1};
    data.params = {random.below(columns + 2)};
    data.chain.positionArgument = 0;
    data.chain.firstToken = random.below(3);
  }

  uint8_t step(Step kind, uint8_t a = 0, uint8_t b = 0, float imm = 0) {
    data.chain.steps.push_back({.step = kind, .a = a, .b = b, .imm = imm});
    return uint8_t(data.chain.steps.size() - 1);
  }
  uint8_t memory(Step kind, uint8_t operand, uint8_t a = 0, float imm = 0) {
    data.chain.steps.push_back({.step = kind, .a = a, .operand = operand, .imm = imm});
    return uint8_t(data.chain.steps.size() - 1);
  }
  /// An operand of numbers that its type can hold, with all kinds of zeros and extremes among them.
  uint8_t operand(ElementType type) {
    const uint32_t columns = data.chain.columns.value;
    const uint32_t rowBytes = (columns * bitsOf(type) + 31) / 32 * 4 + 8;
    KernelOperand operand{type, rowBytes * data.chain.subRows, rowBytes};
    std::vector<uint8_t> bytes(size_t(rowBytes) * data.chain.subRows * data.chain.tokens.value);
    for (size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = uint8_t(random.next());
    for (size_t i = 0; type == ElementType::F32 && i + 4 <= bytes.size(); i += 4) {
      const float specials[] = {0.0f, -0.0f, 1e-30f, 1e30f, -87.5f, 65504.0f};
      const float value = random.below(20) ? random.value() : specials[random.below(6)];
      std::memcpy(bytes.data() + i, &value, 4);
    }
    for (size_t i = 0; type == ElementType::F16 && i + 2 <= bytes.size(); i += 2) {
      const uint16_t value = llmc_f32_to_f16_ieee(random.value());
      std::memcpy(bytes.data() + i, &value, 2);
    }
    data.operands.push_back(operand);
    data.memory.push_back(std::move(bytes));
    return uint8_t(data.operands.size() - 1);
  }
};

/// Runs every part of the kernel, last first, and compares all operands' bytes with the oracle's.
/// `alias` makes operand `second` the memory of `first`.
struct Alias {
  int first = -1, second = -1;
};
void check(const ChainCase &data, Alias alias = {}) {
  ChainCase expected = data;
  for (ChainStep &step : expected.chain.steps)
    if (alias.first >= 0 && step.step == Step::StoreMatrix && step.operand == alias.second)
      step.operand = uint8_t(alias.first);
  expected.runOnReference();
  for (const IsaTable *isa : isas) {
    std::string error;
    const auto blob = lowerLlvm({{"chain", data.chain, data.operands}}, *isa, error);
    INFO(isa->name << ": " << error);
    REQUIRE(blob);
    const auto image = runnable(*blob, *isa);
    if (!image)
      continue;
    for (uint32_t parts : {1u, 2u, 3u, 7u}) {
      auto memory = data.memory;
      std::vector<OperandBytes> pointers;
      for (auto &bytes : memory)
        pointers.push_back(operandOf(bytes));
      if (alias.first >= 0)
        pointers[size_t(alias.second)] = pointers[size_t(alias.first)];
      image->run("chain", pointers, data.params, parts);
      for (size_t i = 0; i < memory.size(); ++i) {
        INFO("operand " << i << ", " << parts << " parts, columns " << data.chain.columns.value);
        CHECK_FALSE(firstDifference(data.operands[i].type, memory[i], expected.memory[i]));
      }
    }
  }
}

void check(const Builder &builder) { check(builder.data); }

} // namespace

TEST_CASE("Every step alone, on every type it takes and odd widths") {
  const ElementType loads[] = {ElementType::F32, ElementType::F16, ElementType::I8,
                               ElementType::I4};
  const ElementType stores[] = {ElementType::F32, ElementType::F16, ElementType::I8};
  const uint32_t columns = GENERATE(1u, 7u, 15u, 16u, 17u, 33u, 100u);
  Builder b(3, 2, columns, columns);
  for (size_t i = 0; i < 4; ++i) {
    const uint8_t x = b.memory(Step::LoadMatrix, b.operand(loads[i]));
    const uint8_t y = b.memory(Step::LoadRow, b.operand(loads[(i + 1) % 4]));
    const uint8_t s = b.memory(Step::LoadScalar, b.operand(ElementType::F32));
    for (Step kind : {Step::Add, Step::Sub, Step::Mul, Step::Max, Step::Min}) {
      b.memory(Step::StoreMatrix, b.operand(stores[(i + unsigned(kind)) % 3]), b.step(kind, x, y));
      b.memory(Step::StoreMatrix, b.operand(ElementType::F32), b.step(kind, s, x));
      b.memory(Step::StoreScalar, b.operand(ElementType::F32), b.step(kind, s, s));
    }
  }
  check(b);
}

TEST_CASE("Functions, rounding and masks") {
  const uint32_t columns = GENERATE(1u, 7u, 15u, 16u, 17u, 33u, 100u);
  Builder b(4, 1, columns, columns + 100);
  const uint8_t x = b.memory(Step::LoadMatrix, b.operand(ElementType::F32));
  const uint8_t y = b.memory(Step::LoadMatrix, b.operand(ElementType::F16));
  const uint8_t s = b.memory(Step::LoadScalar, b.operand(ElementType::F32));
  for (Step kind : {Step::Recip, Step::Rsqrt, Step::Exp, Step::Sigmoid, Step::RoundF16}) {
    b.memory(Step::StoreMatrix, b.operand(ElementType::F32), b.step(kind, x));
    b.memory(Step::StoreMatrix, b.operand(ElementType::F16), b.step(kind, y));
    b.memory(Step::StoreScalar, b.operand(ElementType::F32), b.step(kind, s));
  }
  b.memory(Step::StoreMatrix, b.operand(ElementType::F32), b.step(Step::MaskVisible, x));
  b.memory(Step::StoreMatrix, b.operand(ElementType::I8), b.step(Step::KeepGe, x, y, -0.5f));
  b.memory(Step::StoreMatrix, b.operand(ElementType::F32), b.step(Step::KeepGe, x, s, 0.0f));
  b.memory(Step::StoreScalar, b.operand(ElementType::F32), b.step(Step::KeepGe, s, s, 0.0f));
  check(b);
}

TEST_CASE("Reductions and what follows them") {
  const uint32_t columns = GENERATE(1u, 7u, 15u, 16u, 17u, 33u, 100u);
  Builder b(3, 3, columns, columns + 200);
  const uint8_t x = b.memory(Step::LoadMatrix, b.operand(ElementType::F32));
  uint8_t last = x;
  for (Step kind : {Step::SumLanes, Step::MaxVisible, Step::AbsMax}) {
    const uint8_t r = b.step(kind, last);
    b.memory(Step::StoreScalar, b.operand(ElementType::F32), r);
    last = b.step(Step::Sub, last, r);
  }
  const uint8_t a = b.step(Step::AbsMax, last);
  b.memory(Step::StoreScalar, b.operand(ElementType::F32), b.step(Step::ActivationScale, a));
  const uint8_t q = b.step(Step::Mul, last, b.step(Step::InverseScale, a));
  b.memory(Step::StoreMatrix, b.operand(ElementType::I8), q);
  check(b);
}

TEST_CASE("Values per group of columns") {
  const uint32_t group = GENERATE(1u, 3u, 16u, 32u, 40u);
  for (ElementType type : {ElementType::F32, ElementType::F16, ElementType::U4}) {
    Builder b(2, 2, 77, group);
    const uint8_t x = b.memory(Step::LoadMatrix, b.operand(ElementType::I4));
    const uint8_t g = b.memory(Step::LoadGroup, b.operand(type), 0, float(group));
    b.memory(Step::StoreMatrix, b.operand(ElementType::F32), b.step(Step::Mul, x, g));
    check(b);
  }
}

TEST_CASE("RMSNorm and int8 rows with the residual sum written in place") {
  const uint32_t columns = GENERATE(31u, 64u, 288u);
  Builder b(3, 1, columns, columns + 300);
  const uint8_t residual = b.operand(ElementType::F32), inPlace = b.operand(ElementType::F32);
  const uint8_t x = b.memory(Step::LoadMatrix, residual);
  const uint8_t d = b.memory(Step::LoadMatrix, b.operand(ElementType::F32));
  const uint8_t y = b.step(Step::Add, x, d);
  b.memory(Step::StoreMatrix, inPlace, y);
  const uint8_t sum = b.step(Step::SumLanes, b.step(Step::Mul, y, y));
  const uint8_t mean = b.step(Step::Mul, sum, b.step(Step::Constant, 0, 0, 1.0f / float(columns)));
  const uint8_t f =
      b.step(Step::Rsqrt, b.step(Step::Add, mean, b.step(Step::Constant, 0, 0, 1e-5f)));
  const uint8_t w = b.memory(Step::LoadRow, b.operand(ElementType::F32));
  const uint8_t n = b.step(Step::Mul, b.step(Step::Mul, y, f), w);
  const uint8_t a = b.step(Step::AbsMax, n);
  b.memory(Step::StoreScalar, b.operand(ElementType::F32), b.step(Step::ActivationScale, a));
  const uint8_t q = b.step(Step::Mul, n, b.step(Step::InverseScale, a));
  b.memory(Step::StoreMatrix, b.operand(ElementType::I8), q);
  check(b);
  check(b.data, {residual, inPlace});
}

TEST_CASE("Softmax over positions that are an argument") {
  for (uint32_t positions : {0u, 1u, 16u, 45u, 90u}) {
    Builder b(4, 3, 90, positions + 400);
    b.data.chain.columns = {90, 1};
    b.data.chain.tokens = {4, 2};
    b.data.params = {positions > 4 ? positions - 4 : 0, positions, positions % 5};
    const uint8_t s = b.memory(Step::LoadMatrix, b.operand(ElementType::F32));
    const uint8_t d = b.step(Step::Sub, s, b.step(Step::MaxVisible, s));
    const uint8_t p =
        b.step(Step::Mul, b.step(Step::Exp, d), b.step(Step::Constant, 0, 0, 32768.0f));
    const uint8_t kept = b.step(Step::KeepGe, b.step(Step::RoundF16, p), d, -20.0f);
    const uint8_t masked = b.step(Step::MaskVisible, kept);
    b.memory(Step::StoreMatrix, b.operand(ElementType::F16), masked);
    b.memory(Step::StoreScalar, b.operand(ElementType::F32),
             b.step(Step::Recip, b.step(Step::SumLanes, masked)));
    check(b);
  }
}

TEST_CASE("SwiGLU to int8: the sigmoid is kept for the second loop") {
  const uint32_t columns = GENERATE(5u, 96u, 201u);
  Builder b(2, 1, columns, columns + 500);
  const uint8_t g = b.memory(Step::LoadMatrix, b.operand(ElementType::F32));
  const uint8_t u = b.memory(Step::LoadMatrix, b.operand(ElementType::F32));
  const uint8_t y = b.step(Step::Mul, b.step(Step::Mul, g, b.step(Step::Sigmoid, g)), u);
  const uint8_t a = b.step(Step::AbsMax, y);
  b.memory(Step::StoreScalar, b.operand(ElementType::F32), b.step(Step::ActivationScale, a));
  b.memory(Step::StoreMatrix, b.operand(ElementType::I8),
           b.step(Step::Mul, y, b.step(Step::InverseScale, a)));
  check(b);
}

TEST_CASE("Random chains") {
  const uint64_t seed = GENERATE(range(1, 25));
  Random random(seed + 900);
  Builder b(1 + random.below(4), 1 + random.below(3), 1 + random.below(70), seed);
  std::vector<uint8_t> vectors{b.memory(Step::LoadMatrix, b.operand(ElementType::F32))};
  std::vector<uint8_t> scalars{b.memory(Step::LoadScalar, b.operand(ElementType::F32))};
  const auto pick = [&](const std::vector<uint8_t> &from) {
    return from[random.below(uint32_t(from.size()))];
  };
  for (int i = 0; i < 25; ++i) {
    const Step binary = Step(unsigned(Step::Add) + random.below(5));
    const Step unary = Step(unsigned(Step::Recip) + random.below(5));
    const Step reduction = Step(unsigned(Step::SumLanes) + random.below(3));
    const ElementType type = ElementType(random.below(4));
    switch (random.below(8)) {
    case 0:
      vectors.push_back(b.memory(Step::LoadMatrix, b.operand(type)));
      break;
    case 1:
      vectors.push_back(b.step(binary, pick(vectors), pick(vectors)));
      break;
    case 2:
      vectors.push_back(b.step(binary, pick(scalars), pick(vectors)));
      break;
    case 3:
      scalars.push_back(b.step(binary, pick(scalars), pick(scalars)));
      break;
    case 4:
      vectors.push_back(b.step(unary, pick(vectors)));
      break;
    case 5:
      scalars.push_back(b.step(reduction, pick(vectors)));
      break;
    case 6:
      vectors.push_back(b.step(Step::MaskVisible, pick(vectors)));
      break;
    default:
      b.memory(Step::StoreMatrix, b.operand(ElementType(random.below(3))), pick(vectors));
    }
  }
  b.memory(Step::StoreMatrix, b.operand(ElementType::F32), vectors.back());
  b.memory(Step::StoreScalar, b.operand(ElementType::F32), scalars.back());
  check(b);
}

TEST_CASE("The recip, rsqrt, exp, sigmoid and f16 sequences over all exponents") {
  constexpr uint32_t columns = 4096;
  Builder b(1, 1, columns, 7);
  const uint8_t in = b.operand(ElementType::F32);
  for (uint32_t i = 0; i < columns; ++i) {
    uint32_t bits = i << 20 | (b.random.next() & 0xfffff);
    if ((bits & LLMC_BITS_MAGNITUDE) > LLMC_BITS_INF)
      bits |= LLMC_BITS_QUIET_NAN; // What signals is no result of anything.
    std::memcpy(b.data.memory[in].data() + 4 * i, &bits, 4);
  }
  const uint8_t x = b.memory(Step::LoadMatrix, in);
  for (Step kind : {Step::Recip, Step::Rsqrt, Step::Exp, Step::Sigmoid, Step::RoundF16})
    b.memory(Step::StoreMatrix, b.operand(ElementType::F32), b.step(kind, x));
  b.memory(Step::StoreMatrix, b.operand(ElementType::F16), x);
  b.memory(Step::StoreMatrix, b.operand(ElementType::I8), x);
  check(b);
}

TEST_CASE("Chains that break a rule are refused with the kernel and the step") {
  std::string error;
  const auto refusal = [&](const Builder &b) {
    CHECK_FALSE(lowerLlvm({{"norm", b.data.chain, b.data.operands}}, x86Avx2(), error));
    return error;
  };
  Builder b(1, 1, 8, 1);
  CHECK_THAT(refusal(b), Catch::Contains("kernel 'norm' for 'avx2'") && Catch::Contains("0 steps"));
  const uint8_t operand = b.operand(ElementType::F32);
  const uint8_t x = b.memory(Step::LoadMatrix, operand);
  CHECK_THAT(refusal(b), Catch::Contains("last step is no store"));
  Builder forward = b;
  forward.step(Step::Add, x, 5);
  CHECK_THAT(refusal(forward), Catch::Contains("step 1: add: input %5 is no earlier result"));
  Builder kind = b;
  kind.step(Step::InverseScale, x);
  CHECK_THAT(refusal(kind), Catch::Contains("step 1: inverseScale: input must be a scalar"));
  Builder missing = b;
  missing.memory(Step::StoreMatrix, 9, x);
  CHECK_THAT(refusal(missing), Catch::Contains("operand 9 does not exist"));
  Builder type = b;
  type.memory(Step::StoreMatrix, type.operand(ElementType::I4), x);
  CHECK_THAT(refusal(type), Catch::Contains("a type this step does not take"));
  Builder position = b;
  position.data.chain.positionArgument = -1;
  position.step(Step::MaxVisible, x);
  CHECK_THAT(refusal(position), Catch::Contains("needs the position argument"));
  Builder again = b;
  again.memory(Step::StoreMatrix, operand, x);
  const uint8_t stored = again.memory(Step::LoadMatrix, operand);
  again.memory(Step::StoreMatrix, again.operand(ElementType::F32), stored);
  CHECK_THAT(refusal(again), Catch::Contains("operand 0 was stored before"));
  Builder wide(1, 1, 100000, 2);
  const uint8_t y = wide.memory(Step::LoadMatrix, wide.operand(ElementType::F32));
  wide.memory(Step::StoreMatrix, wide.operand(ElementType::F32), y);
  const uint8_t most = wide.step(Step::AbsMax, y);
  wide.memory(Step::StoreMatrix, wide.operand(ElementType::F32), wide.step(Step::Mul, y, most));
  CHECK_THAT(refusal(wide), Catch::Contains("100000 columns") && Catch::Contains("262144"));
  b.memory(Step::StoreMatrix, operand, x);
  CHECK_FALSE(
      lowerLlvm({{"a", b.data.chain, b.data.operands}, {"a", b.data.chain, b.data.operands}},
                x86Avx2(), error));
  CHECK_THAT(error, Catch::Contains("'a'") && Catch::Contains("name of its own"));
}
