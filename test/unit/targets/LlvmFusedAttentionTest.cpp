// Generated attention over the whole cache against scalar code, bit for bit, on every instruction
// set this machine has.
#include "test/unit/targets/LlvmMatmulKit.h"

#include "runtime/base/numerics.h"
#include "targets/Llvm/Lower.h"
#include "targets/Reference/ReferenceKernel.h"
#include "targets/X86/X86Isa.h"

#include "catch2/catch.hpp"

#include <algorithm>
#include <cstring>

using namespace llmc::target;
using namespace llmc::test;

namespace {

/// One query row at a time, as on a CPU whose products have no order of their own.
IsaTable rowByRow(DotKind dot, bool fusedMultiplyAdd) {
  IsaTable isa = x86Avx2();
  isa.name = "rows";
  isa.dot = dot;
  isa.fusedMultiplyAdd = fusedMultiplyAdd;
  return isa;
}
const IsaTable scalarRows = rowByRow(DotKind::None, false),
               gatheredRows = rowByRow(DotKind::Vmladava, true);

// AMX runs the code of AVX-512.
const IsaTable *const isas[] = {&x86Avx512(), &x86Avx2(), &scalarRows, &gatheredRows,
                                &aarch64Dot()};

constexpr uint16_t infinity = 0x7c00, notANumber = 0x7e01;

struct FusedCase {
  uint32_t tokens, position, heads, kvHeads, headDim, capacity;
  bool byPosition = false; ///< The cache is [position][KV head], else [KV head][position].
  std::vector<uint16_t> queries, keys, values;
  size_t queryWidth = 0, outWidth = 0, keyWidth = 0, valueWidth = 0; ///< Of one head's row.

  FusedCase(uint32_t tokens, uint32_t position, uint32_t heads, uint32_t kvHeads, uint32_t headDim,
            uint32_t capacity, bool byPosition = false)
      : tokens(tokens), position(position), heads(heads), kvHeads(kvHeads), headDim(headDim),
        capacity(capacity), byPosition(byPosition), queryWidth(headDim + 3), outWidth(headDim + 1),
        keyWidth(headDim + 2), valueWidth(headDim) {
    Random random(tokens * 1000 + position + headDim);
    // Scores of a few units, so that some fall below the cut and most do not.
    const auto fill = [&](std::vector<uint16_t> &halves, size_t count, float factor) {
      for (size_t i = 0; i < count; ++i)
        halves.push_back(llmc_f32_to_f16(factor * (float(random.below(2001)) - 1000.0f)));
    };
    fill(queries, size_t(tokens) * heads * queryWidth, 0.002f);
    fill(keys, size_t(capacity) * kvHeads * keyWidth, 0.002f);
    fill(values, size_t(capacity) * kvHeads * valueWidth, 0.01f);
    for (uint32_t p = position + tokens; p < capacity; ++p)
      for (uint32_t h = 0; h < kvHeads; ++h) { // What no row sees.
        keys[at(p, h, keyWidth)] = notANumber;
        values[at(p, h, valueWidth)] = notANumber;
      }
  }

  size_t at(size_t p, size_t kvHead, size_t width) const {
    return (byPosition ? p * kvHeads + kvHead : kvHead * capacity + p) * width;
  }
  Attention attention() const {
    return {.tokens = {tokens + 1, 0},
            .heads = heads,
            .kvHeads = kvHeads,
            .headDim = headDim,
            .capacity = capacity,
            .scale = 0.11f,
            .positionArgument = 1};
  }
  KernelOperand cacheOperand(size_t width) const {
    const auto row = uint32_t(width * 2);
    return {ElementType::F16, byPosition ? row * kvHeads : row, byPosition ? row : row * capacity};
  }
  std::vector<KernelOperand> operands() const {
    const auto query = uint32_t(queryWidth * 2), out = uint32_t(outWidth * 4);
    return {{ElementType::F16, query * heads, query},
            cacheOperand(keyWidth),
            cacheOperand(valueWidth),
            {ElementType::F32, out * heads, out}};
  }
  std::vector<float> expected(float before) const {
    std::vector<float> out(size_t(tokens) * heads * outWidth, before);
    std::vector<uint16_t> halves[] = {queries, keys, values};
    std::vector<uint8_t *> memory;
    for (std::vector<uint16_t> &operand : halves)
      memory.push_back(reinterpret_cast<uint8_t *>(operand.data()));
    memory.push_back(reinterpret_cast<uint8_t *>(out.data()));
    const uint32_t params[] = {tokens, position};
    const std::vector<KernelOperand> shapes = operands();
    const KernelWork work = attention();
    runReference({work, shapes, memory, nullptr, params});
    return out;
  }
};

/// Equal bytes, where any NaN is as good as another.
bool same(const float *x, const std::vector<float> &y) {
  for (size_t i = 0; i < y.size(); ++i)
    if (llmc_bits(x[i]) != llmc_bits(y[i]) && !(x[i] != x[i] && y[i] != y[i]))
      return false;
  return true;
}

void check(FusedCase &data) {
  const std::vector<float> expected = data.expected(7.0f);
  const std::vector<uint32_t> params = {data.tokens, data.position};
  for (const IsaTable *isa : isas) {
    if (isa == &aarch64Dot() && data.tokens > 17)
      continue; // An emulator takes its time.
    std::string error;
    const auto blob = lowerLlvm({{"attention", data.attention(), data.operands()}}, *isa, error);
    INFO(isa->name << " tokens " << data.tokens << " position " << data.position << " heads "
                   << data.heads << "/" << data.kvHeads << " headDim " << data.headDim << " "
                   << error);
    REQUIRE(blob);
    const auto image = runnable(*blob, *isa);
    if (!image)
      continue;
    for (uint32_t parts : {1u, 2u, 3u}) {
      Guarded out(expected.size() * 4);
      auto *floats = reinterpret_cast<float *>(out.data());
      std::fill_n(floats, expected.size(), 7.0f);
      image->run(
          "attention",
          {operandOf(data.queries), operandOf(data.keys), operandOf(data.values), out.operand()},
          params, parts);
      CHECK(same(floats, expected));
      CHECK(out.intact());
    }
  }
}

} // namespace

TEST_CASE("Fused attention, decode") {
  for (const auto &[heads, kvHeads] : {std::pair{9u, 3u}, {8u, 1u}, {4u, 4u}, {10u, 1u}, {11u, 1u}})
    for (const uint32_t position : {0u, 15u, 300u}) {
      FusedCase data(1, position, heads, kvHeads, 64, 333);
      check(data);
    }
}

TEST_CASE("Fused attention, chunks at the start and behind others") {
  for (const uint32_t headDim : {64u, 48u, 128u, 20u, 1u})
    for (const auto &[tokens, position] :
         {std::pair{3u, 0u}, {17u, 277u}, {64u, 0u}, {64u, 277u}}) {
      FusedCase data(tokens, position, 6, 2, headDim, 277 + 70, tokens == 17);
      check(data);
    }
  FusedCase many(64, 5, 2, 2, 64, 69);
  check(many);
}

TEST_CASE("Fused attention where few rows fit the stack") {
  FusedCase seven(5, 7990, 4, 2, 16, 8000);
  check(seven);
  FusedCase two(3, 20000, 2, 1, 16, 20003);
  check(two);
  FusedCase chunk(20, 7980, 4, 2, 16, 8000);
  check(chunk);
  FusedCase unwidened(18, 61950, 2, 1, 16, 62000); // No room for keys and values as fp32.
  check(unwidened);
}

TEST_CASE("Fused attention, nothing to do, and more parts than rows") {
  FusedCase none(0, 40, 4, 2, 64, 41);
  check(none);
  FusedCase one(1, 40, 1, 1, 32, 41);
  check(one);
}

TEST_CASE("Fused attention: what is not finite shows in the rows that see it, and nowhere else") {
  FusedCase data(12, 3, 2, 1, 64, 15);
  data.values[data.at(9, 0, data.valueWidth) + 5] = infinity;
  data.keys[data.at(12, 0, data.keyWidth) + 1] = notANumber;
  check(data);
  const std::vector<float> expected = data.expected(0.0f);
  CHECK(llmc_is_finite(expected[(5 * 2) * data.outWidth + 5]));
  CHECK_FALSE(llmc_is_finite(expected[(6 * 2) * data.outWidth + 5]));
}

TEST_CASE("Fused attention that breaks a rule is refused") {
  const FusedCase data(1, 0, 4, 2, 64, 64);
  std::string error;
  const auto refusal = [&](Attention attention, std::vector<KernelOperand> operands) {
    CHECK_FALSE(lowerLlvm({{"a", attention, operands}}, x86Avx512(), error));
    return error;
  };
  Attention attention = data.attention();
  attention.heads = 5;
  CHECK_THAT(refusal(attention, data.operands()),
             Catch::Contains("kernel 'a' for 'avx512'") && Catch::Contains("5 heads"));
  attention = data.attention();
  attention.positionArgument = -1;
  CHECK_THAT(refusal(attention, data.operands()), Catch::Contains("position"));
  attention = data.attention();
  attention.headDim = 0;
  CHECK_THAT(refusal(attention, data.operands()), Catch::Contains("headDim"));
  attention = data.attention();
  attention.scale = 1.0f / 0.0f;
  CHECK_THAT(refusal(attention, data.operands()), Catch::Contains("finite"));
  attention = data.attention();
  attention.tokens = {65, -1};
  CHECK_THAT(refusal(attention, data.operands()), Catch::Contains("65 tokens"));
  attention = data.attention();
  attention.capacity = 100000;
  CHECK_THAT(refusal(attention, data.operands()),
             Catch::Contains("100000 positions") && Catch::Contains("shorter context"));
  std::vector<KernelOperand> operands = data.operands();
  operands[1].type = ElementType::F32;
  CHECK_THAT(refusal(data.attention(), operands), Catch::Contains("must be f16"));
  operands.pop_back();
  CHECK_THAT(refusal(data.attention(), operands), Catch::Contains("3 operands"));
}
