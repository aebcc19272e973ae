// Generated Scores and Values against scalar code, bit for bit, on every instruction set this
// machine has.
#include "test/unit/targets/LlvmMatmulKit.h"

#include "runtime/base/numerics.h"
#include "targets/Llvm/Lower.h"
#include "targets/Reference/ReferenceKernel.h"
#include "targets/X86/X86Isa.h"

#include "catch2/catch.hpp"

#include <cstring>

using namespace llmc::target;
using namespace llmc::test;

namespace {

const IsaTable *const isas[] = {&x86Avx512(), &x86Avx2(), &aarch64Dot()};

struct Shape {
  uint32_t tokens, subRows, n, k;
};

struct AttentionCase {
  Matmul matmul;
  std::vector<uint32_t> params; ///< tokens, n, k
  std::vector<KernelOperand> operands;
  std::vector<uint16_t> a, b;
  std::vector<float> before;
  size_t rows, n, k, outWidth, aWidth, bWidth;

  AttentionCase(MatmulKind kind, const Shape &shape, bool accumulate)
      : params{shape.tokens, shape.n, shape.k}, rows(size_t(shape.tokens) * shape.subRows),
        n(shape.n), k(shape.k), outWidth(n + 3), aWidth(k + 5),
        bWidth((isScores(kind) ? k : n) + 7) {
    matmul.kind = kind;
    matmul.tokens = {shape.tokens + 2, 0};
    matmul.subRows = shape.subRows;
    matmul.n = {shape.n + 40, 1};
    matmul.k = {shape.k + 40, 2};
    matmul.scale = isScores(kind) ? 0.125f * 1.1f : 1.0f;
    matmul.accumulate = accumulate;
    const auto strides = [&](ElementType type, size_t width) {
      const auto row = uint32_t(width * bitsOf(type) / 8);
      return KernelOperand{type, row * shape.subRows, row};
    };
    operands = {strides(ElementType::F16, aWidth),
                {},
                {ElementType::F16, uint32_t(bWidth * 2), 0},
                strides(ElementType::F32, outWidth)};
    Random random(n * 1000 + k);
    const auto fill = [&](std::vector<uint16_t> &halves, size_t count) {
      while (halves.size() < count)
        halves.push_back(random.below(9) ? llmc_f32_to_f16(random.value()) : uint16_t(0));
    };
    fill(a, rows * aWidth);
    fill(b, (isScores(kind) ? n : k) * bWidth);
    while (before.size() < rows * outWidth)
      before.push_back(random.value());
  }

  static bool isScores(MatmulKind kind) { return kind == MatmulKind::Scores; }

  std::vector<float> expected() const {
    std::vector<float> out = before;
    std::vector<uint16_t> left = a, right = b;
    uint8_t *memory[] = {reinterpret_cast<uint8_t *>(left.data()), nullptr,
                         reinterpret_cast<uint8_t *>(right.data()),
                         reinterpret_cast<uint8_t *>(out.data())};
    const KernelWork work = matmul;
    runReference({work, operands, memory, nullptr, params});
    return out;
  }
};

/// Operands end where their memory ends, so that reading behind one shows under a sanitizer.
void check(const AttentionCase &data) {
  const std::vector<float> expected = data.expected();
  for (const IsaTable *isa : isas) {
    std::string error;
    const auto blob = lowerLlvm({{"attention", data.matmul, data.operands}}, *isa, error);
    INFO(isa->name << " rows " << data.rows << " n " << data.n << " k " << data.k << error);
    REQUIRE(blob);
    const auto image = runnable(*blob, *isa);
    if (!image)
      continue;
    for (uint32_t parts : {1u, 2u, 3u}) {
      Guarded out(data.before.size() * 4);
      std::memcpy(out.data(), data.before.data(), data.before.size() * 4);
      std::vector<uint16_t> a = data.a, b = data.b;
      image->run("attention", {operandOf(a), {}, operandOf(b), out.operand()}, data.params, parts);
      CHECK(std::memcmp(out.data(), expected.data(), expected.size() * 4) == 0);
      CHECK(out.intact());
    }
  }
}

const Shape shapes[] = {{1, 1, 1, 1},    {1, 4, 33, 64}, {3, 2, 16, 17},
                        {2, 5, 70, 300}, {9, 1, 64, 31}, {4, 3, 100, 512},
                        {0, 2, 40, 40},  {2, 1, 0, 8},   {2, 2, 37, 0}};

} // namespace

TEST_CASE("Scores: one accumulator per position, k ascending") {
  for (const Shape &shape : shapes)
    check(AttentionCase(MatmulKind::Scores, shape, false));
}

TEST_CASE("Values, from zero and onto what is there") {
  for (const Shape &shape : shapes)
    for (bool accumulate : {false, true})
      check(AttentionCase(MatmulKind::Values, shape, accumulate));
}

TEST_CASE("Fixed extents give the same as arguments") {
  for (const Shape &shape : {shapes[1], shapes[3], shapes[8]}) {
    AttentionCase data(MatmulKind::Scores, shape, false);
    data.matmul.n = {shape.n, -1};
    data.matmul.k = {shape.k, -1};
    check(data);
    AttentionCase values(MatmulKind::Values, shape, false);
    values.matmul.n = {shape.n, -1};
    values.matmul.k = {shape.k, -1};
    check(values);
  }
}

TEST_CASE("An accumulation on the edge of fp32 keeps its order") {
  AttentionCase data(MatmulKind::Values, {1, 1, 16, 400}, false);
  for (size_t i = 0; i < 400;
       ++i) { // Large, small, minus large: any other order gives another sum.
    const float values[] = {60000.0f, 0.001f, -60000.0f};
    data.a[i] = llmc_f32_to_f16(values[i % 3]);
  }
  std::fill(data.b.begin(), data.b.end(), llmc_f32_to_f16(1000.0f));
  check(data);
}

TEST_CASE("Attention that breaks a rule is refused") {
  std::string error;
  AttentionCase data(MatmulKind::Scores, shapes[1], false);
  const auto refusal = [&] {
    CHECK_FALSE(lowerLlvm({{"s", data.matmul, data.operands}}, x86Avx512(), error));
    return error;
  };
  data.matmul.accumulate = true;
  CHECK_THAT(refusal(),
             Catch::Contains("kernel 's' for 'avx512'") && Catch::Contains("does not accumulate"));
  data.matmul.kind = MatmulKind::Values;
  CHECK_THAT(refusal(), Catch::Contains("takes no scale"));
  data.matmul.scale = 1.0f;
  data.operands[2].subStride = 4;
  CHECK_THAT(refusal(), Catch::Contains("b has no sub-rows"));
  data.operands.pop_back();
  CHECK_THAT(refusal(), Catch::Contains("3 operands"));
}
