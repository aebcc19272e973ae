// Vector chains against scalar code written from docs/numerics.md.
#include "test/unit/targets/RnpuTestKit.h"

#include "runtime/base/numerics.h"
#include "targets/Interface/RowRecords.h"

#include "catch2/catch.hpp"

#include <algorithm>

using namespace llmc::rnpu;
using namespace llmc::rnpu::test;

namespace {

/// Builds a chain step by step; each call gives the index of its result.
struct ChainBuilder {
  ChainCommand command;
  uint8_t step(Step kind, uint8_t a = 0, uint8_t b = 0, float imm = 0) {
    ChainStep s;
    s.step = kind;
    s.a = a;
    s.b = b;
    s.imm = imm;
    return push(s);
  }
  uint8_t memory(Step kind, const Operand &operand, uint8_t a = 0, float imm = 0) {
    ChainStep s;
    s.step = kind;
    s.a = a;
    s.imm = imm;
    s.operand = uint8_t(command.operands.size());
    command.operands.push_back(operand);
    return push(s);
  }

private:
  uint8_t push(const ChainStep &s) {
    command.chain.steps.push_back(s);
    return uint8_t(command.chain.steps.size() - 1);
  }
};

Operand rowsAt(uint64_t address, ElementType type, uint32_t stride, uint32_t subRows,
               uint32_t rows) {
  return operandAt(address, type, stride * subRows, stride, uint64_t(stride) * rows);
}

/// Sum in 16 lanes by index, as docs/numerics.md says it, in plain code.
float lanes(const std::vector<float> &x) {
  float lane[16] = {};
  for (size_t i = 0; i < x.size(); ++i)
    lane[i % 16] = lane[i % 16] + x[i];
  for (int half : {8, 4, 2, 1})
    for (int i = 0; i < half; ++i)
      lane[i] = lane[i] + lane[i + half];
  return lane[0];
}

} // namespace

TEST_CASE("a norm with quantization is the scalar norm") {
  std::mt19937 random(14);
  for (const uint32_t columns : {1u, 7u, 16u, 33u, 256u}) {
    const uint32_t rows = 1 + random() % 5;
    const uint32_t stride = columns * 4, qStride = columns;
    std::vector<float> x = randomFloats(rows * columns, random);
    const std::vector<float> w = randomFloats(columns, random);
    if (rows > 1)
      std::fill_n(x.begin(), columns, 0.0f);
    const float inverseN = 1.0f / float(columns), eps = 1e-5f;
    KernelRun run;
    ChainBuilder b;
    b.command.chain.tokens.value = rows;
    b.command.chain.columns.value = columns;
    const uint64_t q = run.reserve(uint64_t(qStride) * rows), s = run.reserve(rows * 4);
    const auto v =
        b.memory(Step::LoadMatrix, rowsAt(run.input(x), ElementType::F32, stride, 1, rows));
    const auto sum = b.step(Step::SumLanes, b.step(Step::Mul, v, v));
    const auto mean = b.step(Step::Mul, sum, b.step(Step::Constant, 0, 0, inverseN));
    const auto r = b.step(Step::Rsqrt, b.step(Step::Add, mean, b.step(Step::Constant, 0, 0, eps)));
    const auto row = b.memory(Step::LoadRow, rowsAt(run.input(w), ElementType::F32, stride, 1, 1));
    const auto y = b.step(Step::Mul, b.step(Step::Mul, v, r), row);
    const auto most = b.step(Step::AbsMax, y);
    b.memory(Step::StoreScalar, rowsAt(s, ElementType::F32, 4, 1, rows),
             b.step(Step::ActivationScale, most));
    b.memory(Step::StoreMatrix, rowsAt(q, ElementType::I8, qStride, 1, rows),
             b.step(Step::Mul, y, b.step(Step::InverseScale, most)));
    run.kernel(b.command);
    const std::vector<int8_t> out = run.output<int8_t>(q, size_t(rows) * columns);
    const std::vector<float> scales = run.output<float>(s, rows);
    INFO((run.result.fault ? run.result.fault->message : ""));
    REQUIRE(run.result.ok());
    for (uint32_t i = 0; i < rows; ++i) {
      std::vector<float> squares, normed;
      for (uint32_t c = 0; c < columns; ++c)
        squares.push_back(x[i * columns + c] * x[i * columns + c]);
      const float factor = llmc_rsqrt(lanes(squares) * inverseN + eps);
      float largest = 0;
      for (uint32_t c = 0; c < columns; ++c) {
        normed.push_back((x[i * columns + c] * factor) * w[c]);
        largest = std::max(largest, std::abs(normed.back()));
      }
      REQUIRE(scales[i] == llmc_activation_scale(largest));
      const float inverse = llmc_activation_inverse_scale(largest);
      for (uint32_t c = 0; c < columns; ++c)
        REQUIRE(out[i * qStride + c] == llmc_quantize_i8(normed[c], inverse));
    }
  }
}

TEST_CASE("a causal softmax is the scalar softmax, rows beyond the diagonal masked") {
  std::mt19937 random(15);
  for (int i = 0; i < 20; ++i) {
    const uint32_t tokens = 1 + random() % 4, subRows = 1 + random() % 3;
    const uint32_t position = random() % 70, first = random() % 3;
    const uint32_t columns = position + first + 1 + random() % 6, rows = tokens * subRows;
    const uint32_t stride = columns * 4, pStride = columns * 2;
    std::vector<float> x = randomFloats(size_t(rows) * columns, random);
    x[0] = -300.0f;
    KernelRun run;
    run.arguments = {position};
    ChainBuilder b;
    b.command.chain.tokens.value = tokens;
    b.command.chain.subRows = subRows;
    b.command.chain.columns.value = columns;
    b.command.chain.positionArgument = 0;
    b.command.chain.firstToken = first;
    const uint64_t p = run.reserve(uint64_t(pStride) * rows), l = run.reserve(rows * 4);
    const auto v =
        b.memory(Step::LoadMatrix, rowsAt(run.input(x), ElementType::F32, stride, subRows, rows));
    const auto delta = b.step(Step::Sub, v, b.step(Step::MaxVisible, v));
    const auto e =
        b.step(Step::Mul, b.step(Step::Exp, delta), b.step(Step::Constant, 0, 0, 32768.0f));
    const auto kept = b.step(Step::KeepGe, b.step(Step::RoundF16, e), delta, -20.0f);
    const auto masked = b.step(Step::MaskVisible, kept);
    b.memory(Step::StoreMatrix, rowsAt(p, ElementType::F16, pStride, subRows, rows), masked);
    b.memory(Step::StoreScalar, rowsAt(l, ElementType::F32, 4, subRows, rows),
             b.step(Step::Recip, b.step(Step::SumLanes, masked)));
    run.kernel(b.command);
    const std::vector<uint16_t> out = run.output<uint16_t>(p, size_t(rows) * columns);
    const std::vector<float> inverse = run.output<float>(l, rows);
    INFO((run.result.fault ? run.result.fault->message : ""));
    REQUIRE(run.result.ok());
    for (uint32_t r = 0; r < rows; ++r) {
      const uint32_t visible = std::min(columns, position + first + r / subRows + 1);
      const float *row = x.data() + size_t(r) * columns;
      const float most = *std::max_element(row, row + visible);
      std::vector<float> weights(columns, 0.0f);
      for (uint32_t c = 0; c < visible; ++c)
        weights[c] = llmc_softmax_weight(row[c] - most);
      for (uint32_t c = 0; c < columns; ++c)
        REQUIRE(out[r * columns + c] == llmc_f32_to_f16(weights[c]));
      REQUIRE(inverse[r] == llmc_recip(lanes(weights)));
    }
  }
}

TEST_CASE("element operations, group loads and nibbles") {
  std::mt19937 random(16);
  const uint32_t columns = 83, group = 16, groups = 6;
  std::vector<uint8_t> nibbles(48), factors(16);
  for (uint8_t &byte : nibbles)
    byte = uint8_t(random());
  for (uint8_t &byte : factors)
    byte = uint8_t(random());
  const std::vector<float> g = randomFloats(columns, random), u = randomFloats(columns, random);
  std::vector<uint16_t> halves = randomHalves(groups, random);
  KernelRun run;
  ChainBuilder b;
  b.command.chain.tokens.value = 1;
  b.command.chain.columns.value = columns;
  const uint64_t y = run.reserve(columns * 4);
  const auto q =
      b.memory(Step::LoadMatrix, operandAt(run.input(nibbles), ElementType::I4, 0, 0, 48));
  const auto m = b.memory(Step::LoadGroup, operandAt(run.input(factors), ElementType::U4, 0, 0, 16),
                          0, float(group));
  const auto h = b.memory(Step::LoadGroup, operandAt(run.input(halves), ElementType::F16, 0, 0, 12),
                          0, float(group));
  const auto one = b.step(Step::Constant, 0, 0, 1.0f);
  const auto scaled = b.step(Step::Mul, b.step(Step::Mul, q, b.step(Step::Add, m, one)), h);
  const auto gate = b.memory(Step::LoadRow, operandAt(run.input(g), ElementType::F32, 0, 0, 332));
  const auto up = b.memory(Step::LoadMatrix, operandAt(run.input(u), ElementType::F32, 0, 0, 332));
  const auto swiglu = b.step(Step::Mul, b.step(Step::Mul, gate, b.step(Step::Sigmoid, gate)), up);
  const auto top = b.step(Step::Max, swiglu, b.step(Step::Min, up, one));
  b.memory(Step::StoreMatrix, operandAt(y, ElementType::F32, 0, 0, columns * 4),
           b.step(Step::Sub, top, scaled));
  run.kernel(b.command);
  const std::vector<float> out = run.output<float>(y, columns);
  INFO((run.result.fault ? run.result.fault->message : ""));
  REQUIRE(run.result.ok());
  std::vector<float> expected;
  for (uint32_t c = 0; c < columns; ++c) {
    const auto nibble = [](const std::vector<uint8_t> &v, uint32_t i) {
      return int(v[i / 2]) >> (i % 2 ? 4 : 0) & 15;
    };
    const int signedQ = nibble(nibbles, c) >= 8 ? nibble(nibbles, c) - 16 : nibble(nibbles, c);
    const float factor = float(nibble(factors, c / group)) + 1.0f;
    const float w = (float(signedQ) * factor) * llmc_f16_bits_to_f32(halves[c / group]);
    const float s = llmc_swiglu(g[c], u[c]), low = std::min(u[c], 1.0f);
    expected.push_back(std::max(s, low) - w);
  }
  CHECK(sameBytes(out, expected));
  CHECK(run.result.counters.laneOps == 15 * columns + 1);
}

TEST_CASE("a row of weights gathered as a table dequantizes to the linear layer's numbers") {
  std::mt19937 random(17);
  const WeightFormat format{ElementType::I8, ScaleKind::F32Row, 0};
  const uint32_t columns = 40;
  const RandomWeights w(format, 4, columns, random);
  std::vector<uint8_t> tile;
  packRowRecords(w.view(0, 4), tile);
  const RowRecord record = rowRecord(format, columns);
  KernelRun run;
  ChainBuilder b;
  b.command.chain.tokens.value = 4;
  b.command.chain.columns.value = columns;
  const uint64_t at = run.input(tile), y = run.reserve(4 * columns * 4);
  const auto stride = uint32_t(record.bytes);
  const auto q = b.memory(Step::LoadMatrix, rowsAt(at, ElementType::I8, stride, 1, 4));
  const auto s =
      b.memory(Step::LoadScalar, rowsAt(at + record.scales, ElementType::F32, stride, 1, 4));
  b.memory(Step::StoreMatrix, rowsAt(y, ElementType::F32, columns * 4, 1, 4),
           b.step(Step::Mul, q, s));
  run.kernel(b.command);
  const std::vector<float> out = run.output<float>(y, 4 * columns);
  INFO((run.result.fault ? run.result.fault->message : ""));
  REQUIRE(run.result.ok());
  for (uint32_t i = 0; i < 4 * columns; ++i)
    REQUIRE(out[i] == float(w.elements[i]) * w.rowScales[i / columns]);
}
