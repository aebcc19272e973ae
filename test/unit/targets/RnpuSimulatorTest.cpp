// Values against scalar code written from docs/numerics.md, cycles against closed forms.
#include "RnpuTestKit.h"

#include "runtime/base/numerics.h"
#include "targets/Rnpu/Simulator/Bus.h"
#include "targets/Rnpu/Simulator/Dot.h"
#include "targets/Rnpu/WeightTile.h"

#include "catch2/catch.hpp"

#include <algorithm>

using namespace llmc::rnpu;
using namespace llmc::rnpu::test;

namespace {

std::vector<uint16_t> randomHalves(size_t count, std::mt19937 &random) {
  std::normal_distribution<float> value(0, 1);
  std::vector<uint16_t> halves(count);
  for (uint16_t &h : halves)
    h = llmc_f32_to_f16(value(random));
  return halves;
}

std::vector<float> randomFloats(size_t count, std::mt19937 &random) {
  std::normal_distribution<float> value(0, 3);
  std::vector<float> floats(count);
  for (float &f : floats)
    f = value(random);
  return floats;
}

/// Same bytes, so that -0 and NaN count.
template <class T> bool sameBytes(const std::vector<T> &a, const std::vector<T> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// ---- linear ------------------------------------------------------------------------------------

std::vector<float> runLinear(KernelRun &run, const RandomWeights &w, const std::vector<int8_t> &a,
                             const std::vector<float> &scales, uint32_t subRows) {
  const uint32_t m = uint32_t(scales.size()), stride = uint32_t(align16(w.columns));
  std::vector<int8_t> padded(size_t(m) * stride, 99);
  for (uint32_t r = 0; r < m; ++r)
    std::copy_n(a.begin() + r * w.columns, w.columns, padded.begin() + r * stride);
  std::vector<uint8_t> tile;
  packTile(w.view(0, w.rows), tile);
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
  mm.operands[matmul::Out] = operandAt(y, ElementType::F32, w.rows * 4 * subRows, w.rows * 4,
                                       uint64_t(m) * w.rows * 4);
  run.kernel(mm);
  return run.output<float>(y, size_t(m) * w.rows);
}

} // namespace

TEST_CASE("linear layers of every format equal the scalar sum") {
  std::mt19937 random(11);
  const WeightFormat formats[] = {
      {ElementType::I8, ScaleKind::F32Row, 0},    {ElementType::I4, ScaleKind::F32Row, 0},
      {ElementType::I8, ScaleKind::F16Group, 64}, {ElementType::I4, ScaleKind::F16Group, 32},
      {ElementType::I4, ScaleKind::F16Group, 24}, {ElementType::I4, ScaleKind::F32Group, 128},
      {ElementType::I4, ScaleKind::F32Group, 5},  {ElementType::I4, ScaleKind::MultiplierF32Row, 16},
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

// ---- scores and values ---------------------------------------------------------------------------

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
          const float product = llmc_f16_bits_to_f32(a[r * (aStride / 2) + j]) *
                                llmc_f16_bits_to_f32(b[at]);
          acc = acc + product;
        }
        expected.push_back(scores ? acc * mm.matmul.scale : acc);
      }
    REQUIRE(sameBytes(out, expected));
  }
}

// ---- chains --------------------------------------------------------------------------------------

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
    const auto v = b.memory(Step::LoadMatrix,
                            rowsAt(run.input(x), ElementType::F32, stride, 1, rows));
    const auto sum = b.step(Step::SumLanes, b.step(Step::Mul, v, v));
    const auto mean = b.step(Step::Mul, sum, b.step(Step::Constant, 0, 0, inverseN));
    const auto r = b.step(Step::Rsqrt,
                          b.step(Step::Add, mean, b.step(Step::Constant, 0, 0, eps)));
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
    const auto v = b.memory(Step::LoadMatrix,
                            rowsAt(run.input(x), ElementType::F32, stride, subRows, rows));
    const auto delta = b.step(Step::Sub, v, b.step(Step::MaxVisible, v));
    const auto e = b.step(Step::Mul, b.step(Step::Exp, delta),
                          b.step(Step::Constant, 0, 0, 32768.0f));
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
  const auto q = b.memory(Step::LoadMatrix, operandAt(run.input(nibbles), ElementType::I4, 0, 0, 48));
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
  packTile(w.view(0, 4), tile);
  const RowRecord record = rowRecord(format, columns);
  KernelRun run;
  ChainBuilder b;
  b.command.chain.tokens.value = 4;
  b.command.chain.columns.value = columns;
  const uint64_t at = run.input(tile), y = run.reserve(4 * columns * 4);
  const auto stride = uint32_t(record.bytes);
  const auto q = b.memory(Step::LoadMatrix, rowsAt(at, ElementType::I8, stride, 1, 4));
  const auto s = b.memory(Step::LoadScalar,
                          rowsAt(at + record.scales, ElementType::F32, stride, 1, 4));
  b.memory(Step::StoreMatrix, rowsAt(y, ElementType::F32, columns * 4, 1, 4),
           b.step(Step::Mul, q, s));
  run.kernel(b.command);
  const std::vector<float> out = run.output<float>(y, 4 * columns);
  INFO((run.result.fault ? run.result.fault->message : ""));
  REQUIRE(run.result.ok());
  for (uint32_t i = 0; i < 4 * columns; ++i)
    REQUIRE(out[i] == float(w.elements[i]) * w.rowScales[i / columns]);
}

// ---- time ----------------------------------------------------------------------------------------

namespace {

/// Loads of these sizes from these spaces, and stores to Io behind them where `stores` says so.
struct Copies {
  std::vector<uint8_t> weights = std::vector<uint8_t>(1 << 16), io = weights;
  Program program;
  Copies() {
    program.entry = "copies";
    program.sramBytes = 1 << 18;
  }
  void load(Space from, uint32_t bytes, std::vector<Wait> waits = {}) {
    program.prologue.commands.push_back(commandOf(
        Engine::Load, copyOf(at(from, 0), at(Space::Sram, top), bytes), std::move(waits), "load"));
    top += align16(bytes);
  }
  void store(uint64_t sram, uint32_t bytes, std::vector<Wait> waits) {
    program.prologue.commands.push_back(commandOf(Engine::Store,
                                                  copyOf(at(Space::Sram, sram),
                                                         at(Space::Io, 1 << 15), bytes),
                                                  std::move(waits), "store"));
  }
  Result run(const Machine &machine, std::vector<std::pair<uint64_t, uint64_t>> *times = nullptr) {
    Simulator simulator(machine);
    if (times)
      simulator.hooks.trace = [&](const TraceEvent &e) { times->push_back({e.start, e.end}); };
    Bindings b;
    b.weights = {weights.data(), weights.size()};
    b.io = {io.data(), io.size()};
    return simulator.dispatch(program, b, {});
  }
  uint64_t top = 0;
};

} // namespace

TEST_CASE("one DMA: launch, setup, latency, bytes over rate") {
  Copies c;
  c.load(Space::Io, 4096);
  const Result result = c.run(smallMachine());
  REQUIRE(result.ok());
  CHECK(result.cycles == 50 + 7 + 100 + 4096 / 8);
  CHECK(result.engines[0].busy == 7 + 100 + 512);
  CHECK(result.engines[0].stall == 0);
  CHECK(result.memories[1].read == 4096);
  CHECK(result.memories[0].written == 4096);
}

TEST_CASE("DMAs of one engine overlap their latencies, as far as the machine lets them") {
  const uint32_t count = 8, bytes = 2048;
  Copies c;
  for (uint32_t i = 0; i < count; ++i)
    c.load(Space::Io, bytes);
  Machine m = smallMachine();
  Result result = c.run(m);
  REQUIRE(result.ok());
  // One latency, then setup and transfer back to back.
  CHECK(result.cycles == 50 + 100 + count * (7 + bytes / 8));
  m.dmaOutstanding = 1;
  result = c.run(m);
  CHECK(result.cycles == 50 + count * (7 + 100 + bytes / 8));
}

TEST_CASE("a latency longer than a transfer is hidden only by enough commands under way") {
  const uint32_t count = 9, bytes = 128, transfer = 16;
  Copies c;
  for (uint32_t i = 0; i < count; ++i)
    c.load(Space::Io, bytes);
  Machine m = smallMachine();
  m.dmaSetupCycles = 0;
  m.dmaOutstanding = 3;
  std::vector<std::pair<uint64_t, uint64_t>> times;
  REQUIRE(c.run(m, &times).ok());
  // Command i is issued when command i-3 retires: three transfers and a latency a round.
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t round = i / 3, end = 50 + (round + 1) * (100 + transfer) + i % 3 * transfer;
    CHECK(times[i].second == end);
  }
}

TEST_CASE("a load and a store share their memory, and only theirs") {
  Machine m = smallMachine();
  m.dmaSetupCycles = 0;
  m.dmaOutstanding = 1;
  Copies c;
  const uint32_t bytes = 8192;
  // The second load and the store start together, when the first load has retired.
  SECTION("the same memory: half the rate each") {
    c.load(Space::Io, bytes);
    c.load(Space::Io, bytes);
    c.store(0, bytes, {{Engine::Load, 1, 0}});
    const Result result = c.run(m);
    INFO((result.fault ? result.fault->message : ""));
    REQUIRE(result.ok());
    CHECK(result.cycles == 50 + 100 + bytes / 8 + 100 + 2 * bytes / 8);
  }
  SECTION("two memories: the full rate each") {
    c.load(Space::Io, bytes);
    c.load(Space::Weights, bytes);
    c.store(0, bytes, {{Engine::Load, 1, 0}});
    const Result result = c.run(m);
    REQUIRE(result.ok());
    CHECK(result.cycles == 50 + 100 + bytes / 8 + 200 + bytes / 4);
  }
  SECTION("shares change when a transfer ends") {
    c.load(Space::Io, bytes);
    c.load(Space::Io, 2 * bytes);
    c.store(0, bytes, {{Engine::Load, 1, 0}});
    const Result result = c.run(m);
    REQUIRE(result.ok());
    // Both at half rate until the store ends, then the load alone.
    CHECK(result.cycles == 50 + 100 + bytes / 8 + 100 + 2 * bytes / 8 + bytes / 8);
  }
}

TEST_CASE("max-min shares") {
  CHECK(maxMinShares({1, 1}) == std::vector<double>{0.5, 0.5});
  CHECK(maxMinShares({0.2, 1}) == std::vector<double>{0.2, 0.8});
  CHECK(maxMinShares({1, 0.25, 0.25}) == std::vector<double>{0.5, 0.25, 0.25});
  CHECK(maxMinShares({0.3, 0.4}) == std::vector<double>{0.3, 0.4});
}

TEST_CASE("a channel below the bus by Little's law leaves room for the other") {
  Machine m = smallMachine();
  m.memories[1].outstandingReads = 4;
  m.memories[1].burstBytes = 50;
  CHECK(shareOfBus(m.memories[1], true) == Approx(0.25));
  CHECK(shareOfBus(m.memories[1], false) == 1.0);
}

TEST_CASE("kernels take what the timing law says, and engines run beside each other") {
  std::vector<float> expected;
  Gemv g = makeGemv(16, 64, 4, {}, 21, expected);
  Simulator simulator(smallMachine());
  const Machine &m = simulator.machine();
  std::vector<uint64_t> tensor;
  simulator.hooks.trace = [&](const TraceEvent &e) {
    if (e.command.engine == Engine::Tensor)
      tensor.push_back(e.end - e.start);
  };
  const Result result = simulator.dispatch(g.program, g.bindings(), {});
  REQUIRE(result.ok());
  const auto &mm = std::get<MatmulCommand>(g.program.body.commands[1].work);
  const uint64_t each = cyclesOf(m, shapeOf(mm.matmul));
  CHECK(each == 10 + 16 * 64 / 16);
  CHECK(tensor == std::vector<uint64_t>(8, each));
  CHECK(result.engines[2].busy == 8 * each);
  // Bandwidth bound: the weights' bytes over flash's rate, and every setup; the rest is fill and drain.
  const uint64_t stream = 8 * (g.slice / 4 + 7);
  CHECK(result.cycles > 50 + 200 + stream);
  CHECK(result.cycles < 50 + 200 + stream + 3 * each + 400);
}

TEST_CASE("energy is counts times the machine's figures, in order low, nominal, high") {
  std::vector<float> expected;
  Gemv g = makeGemv(16, 64, 2, {}, 22, expected);
  Simulator simulator(smallMachine());
  const Result result = simulator.dispatch(g.program, g.bindings(), {});
  REQUIRE(result.ok());
  const double macs = double(result.counters.macsI8);
  CHECK(result.energy.compute.nominal == Approx(macs * 0.1));
  CHECK(result.energy.compute.low == Approx(macs * 0.05));
  const double sramBytes = double(result.memories[0].read + result.memories[0].written);
  CHECK(result.energy.sram.nominal == Approx(sramBytes * 1));
  CHECK(result.staticEnergy.nominal == Approx(2 * double(result.cycles)));
  const llmc::target::Band total = result.totalEnergy();
  CHECK(total.low < total.nominal);
  CHECK(total.nominal < total.high);
}

TEST_CASE("the tap sees what every command wrote") {
  std::vector<float> expected, seen;
  Gemv g = makeGemv(8, 32, 2, {}, 23, expected);
  Simulator simulator(smallMachine());
  simulator.hooks.tap = [&](const TapEvent &e) {
    if (e.command.engine != Engine::Tensor)
      return;
    CHECK(e.operand == matmul::Out);
    const size_t at = seen.size();
    seen.resize(at + e.bytes.size() / 4);
    std::memcpy(seen.data() + at, e.bytes.data(), e.bytes.size());
  };
  REQUIRE(simulator.dispatch(g.program, g.bindings(), {}).ok());
  CHECK(seen == expected);
}

TEST_CASE("figures of dispatches add up") {
  std::vector<float> expected;
  Gemv g = makeGemv(8, 32, 2, {}, 24, expected);
  Simulator simulator(smallMachine());
  const Result one = simulator.dispatch(g.program, g.bindings(), {});
  Result total;
  total.accumulate(one);
  total.accumulate(one);
  CHECK(total.cycles == 2 * one.cycles);
  CHECK(total.memories[2].read == 2 * one.memories[2].read);
  CHECK(total.counters.commands == 2 * one.counters.commands);
  CHECK(total.sramPeak == one.sramPeak);
  CHECK(total.engines[0].busy == 2 * one.engines[0].busy);
}
