// The tensor engine against scalar code written from docs/numerics.md.
#include "test/unit/targets/RnpuTestKit.h"

#include "runtime/base/numerics.h"
#include "targets/Interface/RowRecords.h"
#include "targets/Rnpu/Simulator/Dot.h"

#include "catch2/catch.hpp"

#include <algorithm>

using namespace llmc::rnpu;
using namespace llmc::rnpu::test;

namespace {

std::vector<float> runLinear(KernelRun &run, const RandomWeights &w, const std::vector<int8_t> &a,
                             const std::vector<float> &scales, uint32_t subRows) {
  const uint32_t m = uint32_t(scales.size()), stride = uint32_t(align16(w.columns));
  std::vector<int8_t> padded(size_t(m) * stride, 99);
  for (uint32_t r = 0; r < m; ++r)
    std::copy_n(a.begin() + r * w.columns, w.columns, padded.begin() + r * stride);
  std::vector<uint8_t> tile;
  packRowRecords(w.view(0, w.rows), tile);
  MatmulCommand mm;
  mm.matmul.tokens.value = m / subRows;
  mm.matmul.subRows = subRows;
  mm.matmul.n.value = w.rows;
  mm.matmul.k.value = w.columns;
  mm.matmul.format = w.format;
  const uint64_t y = run.reserve(uint64_t(m) * w.rows * 4);
  mm.operands[matmul::A] =
      operandAt(run.input(padded), ElementType::I8, stride * subRows, stride, padded.size());
  mm.operands[matmul::AScale] =
      operandAt(run.input(scales), ElementType::F32, 4 * subRows, 4, m * 4);
  mm.operands[matmul::B] = operandAt(run.input(tile), w.format.element, 0, 0, tile.size());
  mm.operands[matmul::Out] =
      operandAt(y, ElementType::F32, w.rows * 4 * subRows, w.rows * 4, uint64_t(m) * w.rows * 4);
  run.kernel(mm);
  return run.output<float>(y, size_t(m) * w.rows);
}

} // namespace

TEST_CASE("linear layers of every format equal the scalar sum") {
  std::mt19937 random(11);
  const WeightFormat formats[] = {{ElementType::I8, ScaleKind::F32Row, 0},
                                  {ElementType::I4, ScaleKind::F32Row, 0},
                                  {ElementType::I8, ScaleKind::F16Group, 64},
                                  {ElementType::I4, ScaleKind::F16Group, 32},
                                  {ElementType::I4, ScaleKind::F16Group, 24},
                                  {ElementType::I4, ScaleKind::F32Group, 128},
                                  {ElementType::I4, ScaleKind::F32Group, 5},
                                  {ElementType::I4, ScaleKind::MultiplierF32Row, 16},
                                  {ElementType::I4, ScaleKind::MultiplierF32Row, 32}};
  for (const WeightFormat &format : formats)
    for (int i = 0; i < 14; ++i) {
      const uint32_t subRows = 1 + random() % 3, m = subRows * (1 + random() % 9);
      const uint32_t n = 1 + random() % 20, k = 1 + random() % 400;
      const RandomWeights w(format, n, k, random);
      std::vector<int8_t> a(size_t(m) * k);
      for (int8_t &value : a)
        value = int8_t(int(random() % 255) - 127);
      const std::vector<float> scales = randomFloats(m, random);
      KernelRun run;
      const std::vector<float> out = runLinear(run, w, a, scales, subRows);
      INFO(m << "x" << n << "x" << k << (run.result.fault ? run.result.fault->message : ""));
      REQUIRE(run.result.ok());
      std::vector<float> expected;
      for (uint32_t r = 0; r < m; ++r)
        for (uint32_t c = 0; c < n; ++c)
          expected.push_back(w.dot(a.data() + size_t(r) * k, scales[r], c));
      REQUIRE(sameBytes(out, expected));
    }
}

TEST_CASE("dot products do not depend on the instruction set") {
  std::mt19937 random(12);
  const std::vector<DotKernel> kernels = dotKernels();
  for (const uint32_t depth : {32u, 64u, 96u, 1024u})
    for (const uint32_t rows : {1u, 3u, 4u, 9u}) {
      const uint32_t groups = 1 + random() % 4;
      const size_t stride = size_t(groups) * depth;
      std::vector<int16_t> a(rows * stride), w(stride);
      for (int16_t &value : a)
        value = int16_t(int(random() % 256) - 128);
      for (int16_t &value : w)
        value = int16_t(int(random() % 256) - 128);
      std::vector<int32_t> first(rows * groups), other(rows * groups);
      kernels[0](a.data(), stride, rows, w.data(), groups, depth, first.data());
      CHECK(int64_t(first[0]) == exactDot(a.data(), w.data(), depth));
      for (DotKernel kernel : kernels) {
        kernel(a.data(), stride, rows, w.data(), groups, depth, other.data());
        CHECK(first == other);
      }
    }
}

TEST_CASE("scores and values keep one accumulator, k ascending") {
  std::mt19937 random(13);
  for (int i = 0; i < 40; ++i) {
    const bool scores = i % 2 == 0, accumulate = i % 4 == 3;
    const uint32_t m = 1 + random() % 6, n = 1 + random() % 150, k = 1 + random() % 90;
    const uint32_t bRows = scores ? n : k, bColumns = scores ? k : n;
    const uint32_t aStride = uint32_t(align16(k * 2)), bStride = uint32_t(align16(bColumns * 2));
    const std::vector<uint16_t> a = randomHalves(m * aStride / 2, random),
                                b = randomHalves(bRows * bStride / 2, random);
    const std::vector<float> start = randomFloats(m * n, random);
    KernelRun run;
    MatmulCommand mm;
    mm.matmul.kind = scores ? MatmulKind::Scores : MatmulKind::Values;
    mm.matmul.tokens.value = m;
    mm.matmul.n.value = n;
    mm.matmul.k.value = k;
    mm.matmul.scale = scores ? 0.17677669f : 1.0f;
    mm.matmul.accumulate = accumulate;
    mm.operands[matmul::A] = operandAt(run.input(a), ElementType::F16, aStride, 0, a.size() * 2);
    mm.operands[matmul::B] = operandAt(run.input(b), ElementType::F16, bStride, 0, b.size() * 2);
    const uint64_t y = run.input(start);
    mm.operands[matmul::Out] = operandAt(y, ElementType::F32, n * 4, 0, m * n * 4);
    run.kernel(mm);
    const std::vector<float> out = run.output<float>(y, m * n);
    INFO((run.result.fault ? run.result.fault->message : ""));
    REQUIRE(run.result.ok());
    std::vector<float> expected;
    for (uint32_t r = 0; r < m; ++r)
      for (uint32_t c = 0; c < n; ++c) {
        float acc = accumulate ? start[r * n + c] : 0.0f;
        for (uint32_t j = 0; j < k; ++j) {
          const size_t at = scores ? c * (bStride / 2) + j : j * (bStride / 2) + c;
          const float product =
              llmc_f16_bits_to_f32(a[r * (aStride / 2) + j]) * llmc_f16_bits_to_f32(b[at]);
          acc = acc + product;
        }
        expected.push_back(scores ? acc * mm.matmul.scale : acc);
      }
    REQUIRE(sameBytes(out, expected));
  }
}
