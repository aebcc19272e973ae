// Random weights and the two-slot GEMV.
#include "test/unit/targets/RnpuTestKit.h"

#include "runtime/base/numerics.h"
#include "targets/Interface/RowRecords.h"
#include "targets/Rnpu/WeightTile.h"

namespace llmc::rnpu::test {

RandomWeights::RandomWeights(const WeightFormat &format, uint32_t rows, uint32_t columns,
                             std::mt19937 &random)
    : format(format), rows(rows), columns(columns) {
  groupSize = format.group == 0 || format.group > columns ? columns : format.group;
  groups = columns == 0 ? 1 : (columns + groupSize - 1) / groupSize;
  std::uniform_int_distribution<int> wide(-127, 127), narrow(-8, 7), factor(1, 16);
  std::uniform_real_distribution<float> scale(1e-4f, 2e-2f);
  const bool nibbles = format.element == ElementType::I4;
  for (uint64_t i = 0; i < uint64_t(rows) * columns; ++i)
    elements.push_back(int8_t(nibbles ? narrow(random) : wide(random)));
  for (uint32_t r = 0; r < rows; ++r) {
    rowScales.push_back(scale(random));
    for (uint32_t g = 0; g < groups; ++g) {
      multipliers.push_back(uint8_t(factor(random)));
      halfScales.push_back(llmc_f32_to_f16_ieee(scale(random)));
      groupScales.push_back(g % 2 ? -scale(random) : scale(random));
    }
  }
}

WeightRows RandomWeights::view(uint32_t firstRow, uint32_t count) const {
  WeightRows view;
  view.format = format;
  view.rows = count;
  view.columns = columns;
  view.elements = elements.data() + uint64_t(firstRow) * columns;
  view.rowScales = rowScales.data() + firstRow;
  view.multipliers = multipliers.data() + uint64_t(firstRow) * groups;
  view.halfScales = halfScales.data() + uint64_t(firstRow) * groups;
  view.groupScales = groupScales.data() + uint64_t(firstRow) * groups;
  return view;
}

float RandomWeights::dot(const int8_t *a, float aScale, uint32_t row) const {
  const int8_t *w = elements.data() + uint64_t(row) * columns;
  const bool perRow =
      format.scale == ScaleKind::F32Row || format.scale == ScaleKind::MultiplierF32Row;
  float acc = 0.0f;
  int32_t sum = 0;
  for (uint32_t k = 0; k < columns; ++k) {
    const uint32_t g = k / groupSize;
    const int m = format.scale == ScaleKind::MultiplierF32Row ? multipliers[row * groups + g] : 1;
    sum += a[k] * (m * w[k]);
    const bool last = k + 1 == columns;
    if (perRow ? !last : !last && (k + 1) % groupSize != 0)
      continue;
    const float s = perRow ? rowScales[row]
                    : format.scale == ScaleKind::F16Group
                        ? llmc_f16_bits_to_f32(halfScales[row * groups + g])
                        : groupScales[row * groups + g];
    const float product = float(sum) * s;
    acc = acc + product;
    sum = 0;
  }
  return acc * aScale;
}

static MatmulCommand sliceOf(const Gemv &g, uint64_t slot, uint64_t x, uint64_t scale, uint64_t y,
                             uint64_t half) {
  MatmulCommand mm;
  mm.matmul.tokens.value = 1;
  mm.matmul.n.value = g.rows;
  mm.matmul.k.value = g.k;
  mm.matmul.format = g.format;
  mm.operands[matmul::A] = operandAt(x, ElementType::I8, 0, 0, g.k);
  mm.operands[matmul::AScale] = operandAt(scale, ElementType::F32, 0, 0, 4);
  mm.operands[matmul::B] = operandAt(slot, g.format.element, 0, 0, g.slice);
  mm.operands[matmul::Out] =
      operandAt(y + half * g.rows * 4, ElementType::F32, 0, 0, uint64_t(g.rows) * 4);
  mm.operands[matmul::Out].address.tripStride = uint64_t(g.rows) * 8;
  return mm;
}

static void buildProgram(Gemv &g) {
  const uint64_t x = 0, scale = align16(g.k), slots = scale + 16, y = slots + 2 * g.slice;
  const uint64_t bytes = uint64_t(g.outputs()) * 4;
  Program &p = g.program;
  p.entry = "gemv";
  p.trips = g.trips;
  p.sramBytes = y + align16(bytes);
  const auto load = [&](Address from, uint64_t to, uint64_t size, std::vector<Wait> waits,
                        const char *name) {
    return commandOf(Engine::Load, copyOf(from, at(Space::Sram, to), uint32_t(size)),
                     std::move(waits), name);
  };
  p.prologue.commands = {load(at(Space::Io, 0), x, g.k, {}, "x"),
                         load(at(Space::Io, align16(g.k)), scale, 4, {}, "scale")};
  for (uint64_t half = 0; half < 2; ++half) {
    const int64_t i = int64_t(half);
    p.body.commands.push_back(load(at(Space::Weights, half * g.slice, 2 * g.slice),
                                   slots + half * g.slice, g.slice, {{Engine::Tensor, i - 1, 2}},
                                   half ? "w1" : "w0"));
    p.body.commands.push_back(commandOf(Engine::Tensor,
                                        sliceOf(g, slots + half * g.slice, x, scale, y, half),
                                        {{Engine::Load, 3 + i, 2}}, half ? "mm1" : "mm0"));
  }
  p.epilogue.commands = {
      commandOf(Engine::Store, copyOf(at(Space::Sram, y), at(Space::Io, g.ioY), uint32_t(bytes)),
                {{Engine::Tensor, int64_t(2 * g.trips), 0}}, "y")};
  uint32_t id = 0;
  for (Section *section : {&p.prologue, &p.body, &p.epilogue})
    for (Command &command : section->commands)
      command.id = id++;
}

Gemv makeGemv(uint32_t rows, uint32_t k, uint32_t trips, WeightFormat format, uint32_t seed,
              std::vector<float> &expected) {
  std::mt19937 random(seed);
  Gemv g;
  g.rows = rows;
  g.k = k;
  g.trips = trips;
  g.format = format;
  const RandomWeights weights(format, g.outputs(), k, random);
  g.slice = TileLayout(format, rows, k).bytes;
  for (uint32_t i = 0; i < 2 * trips; ++i)
    packRowRecords(weights.view(i * rows, rows), g.weights);
  std::uniform_int_distribution<int> activation(-127, 127);
  std::vector<int8_t> x(k);
  for (int8_t &value : x)
    value = int8_t(activation(random));
  const float scale = 0.0173f;
  g.ioY = align16(k) + 16;
  g.io.resize(g.ioY + align16(uint64_t(g.outputs()) * 4));
  std::memcpy(g.io.data(), x.data(), k);
  std::memcpy(g.io.data() + align16(k), &scale, 4);
  expected.clear();
  for (uint32_t n = 0; n < g.outputs(); ++n)
    expected.push_back(weights.dot(x.data(), scale, n));
  buildProgram(g);
  return g;
}

} // namespace llmc::rnpu::test
