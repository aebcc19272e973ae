// See RandomProgram.h.
#include "test/unit/targets/RandomProgram.h"

#include "targets/Rnpu/Names.h"
#include "targets/Rnpu/Validate.h"
#include "targets/Rnpu/WeightTile.h"

#include <algorithm>

namespace llmc::test {

using namespace target;

int16_t RandomProgram::maybeArgument() {
  return program.arguments && chance(30) ? int16_t(below(program.arguments)) : int16_t(-1);
}

Extent RandomProgram::extent(uint32_t limit) {
  Extent e{below(limit), maybeArgument()};
  if (e.argument >= 0)
    e.value = program.argumentMax[size_t(e.argument)] + below(3);
  return e;
}

Address RandomProgram::address(Space space, uint32_t multiple) {
  Address a;
  a.space = space;
  uint64_t limit = space == Space::Sram ? 1u << 20 : uint64_t(1) << 40;
  a.offset = (uint64_t(random()) << 16 | random()) % limit / multiple * multiple;
  a.argument = maybeArgument();
  if (a.argument >= 0)
    a.argumentStride = below(100) * multiple;
  if (inBody && chance(40))
    a.tripStride = (uint64_t(below(3)) << (space == Space::Sram ? 10 : 33)) + below(9) * multiple;
  a.tripStride = a.tripStride / multiple * multiple;
  return a;
}

void RandomProgram::reach(const Address &a, uint64_t bytes) {
  uint64_t end = a.offset + a.tripStride * (program.trips ? program.trips - 1 : 0) + bytes;
  if (a.argument >= 0)
    end += uint64_t(a.argumentStride) * program.argumentMax[size_t(a.argument)];
  program.sramBytes = std::max(program.sramBytes, end);
}

Operand RandomProgram::operand(ElementType type, uint64_t tokens, uint64_t subRows,
                               uint64_t columns) {
  Operand o;
  o.type = type;
  uint32_t row = uint32_t((columns * bitsOf(type) + 7) / 8 + 3) / 4 * 4;
  o.address = address(Space::Sram, 4);
  o.subStride = row;
  o.tokenStride = uint32_t(row * subRows);
  o.bytes = tokens * subRows * row + below(2) * 16;
  reach(o.address, o.bytes);
  return o;
}

std::vector<Wait> RandomProgram::waits(Engine engine) {
  std::vector<Wait> result;
  for (unsigned e = 0; e < kEngines; ++e)
    if (Engine(e) != engine && chance(40))
      result.push_back({Engine(e), int64_t(below(1000)) - 10, inBody ? int64_t(below(30)) : 0});
  if (result.size() > 1 && chance(50))
    std::swap(result.front(), result.back());
  return result;
}

Dma RandomProgram::dma(Engine engine) {
  Dma d;
  static constexpr Space loads[] = {Space::Weights, Space::State, Space::Ids, Space::Io,
                                    Space::Scratch};
  static constexpr Space stores[] = {Space::State, Space::Io, Space::Scratch};
  bool load = engine == Engine::Load;
  d.source = address(load ? loads[below(5)] : Space::Sram, 16);
  d.destination = address(load ? Space::Sram : stores[below(3)], 16);
  d.run = {below(5000), maybeArgument()};
  if (d.run.argument >= 0) {
    d.runUnit = 1 + below(64);
    d.run.value = program.argumentMax[size_t(d.run.argument)] * d.runUnit + below(2);
  }
  d.gather = load && chance(25);
  if (d.gather || chance(60))
    for (int i = 0; i < 2; ++i) {
      d.counts[i] = extent(9);
      d.sourceStrides[i] = load ? uint64_t(below(1000)) << below(12) : below(4096);
      d.destinationStrides[i] = load ? below(4096) : uint64_t(below(1000)) << below(12);
    }
  if (d.gather) {
    d.ids = address(Space::Ids, 4);
    d.gatherBound = 1 + below(50000);
  }
  const uint64_t (&strides)[2] = load ? d.destinationStrides : d.sourceStrides;
  uint64_t bytes = d.run.value;
  for (int i = 0; i < 2; ++i)
    bytes += uint64_t(d.counts[i].value) * strides[i];
  reach(load ? d.destination : d.source, bytes);
  return d;
}

MatmulCommand RandomProgram::matmul() {
  MatmulCommand c;
  Matmul &m = c.matmul;
  m.kind = MatmulKind(below(3));
  m.tokens = extent(17);
  m.subRows = 1 + below(4);
  bool linear = m.kind == MatmulKind::Linear;
  m.n = linear ? Extent{below(70), -1} : extent(70);
  m.k = linear ? Extent{1 + below(300), -1} : extent(70);
  uint64_t tokens = m.tokens.value, n = m.n.value, k = m.k.value;
  if (linear) {
    m.format.scale = ScaleKind(below(4));
    bool four = m.format.scale == ScaleKind::MultiplierF32Row || chance(50);
    m.format.element = four ? ElementType::I4 : ElementType::I8;
    m.format.group = m.format.scale == ScaleKind::F32Row ? 0 : 16u << below(4);
    c.operands[matmul::AScale] = operand(ElementType::F32, tokens, m.subRows, 1);
    Operand &tile = c.operands[matmul::B];
    tile.address = address(Space::Sram, 16);
    tile.type = m.format.element;
    tile.bytes = rnpu::TileLayout(m.format, uint32_t(n), uint32_t(k)).bytes;
    reach(tile.address, tile.bytes);
  } else {
    bool scores = m.kind == MatmulKind::Scores;
    m.scale = scores ? float(below(1000)) / 7 : 1.0f;
    m.accumulate = !scores && chance(50);
    c.operands[matmul::B] = operand(ElementType::F16, scores ? n : k, 1, scores ? k : n);
    c.operands[matmul::B].subStride = 0;
  }
  c.operands[matmul::A] =
      operand(linear ? ElementType::I8 : ElementType::F16, tokens, m.subRows, k);
  c.operands[matmul::Out] = operand(ElementType::F32, tokens, m.subRows, n);
  return c;
}

ChainCommand RandomProgram::chain() {
  ChainCommand c;
  VectorChain &v = c.chain;
  v.tokens = extent(17);
  v.subRows = 1 + below(4);
  v.columns = extent(100);
  v.positionArgument = maybeArgument();
  v.firstToken = below(64);
  uint64_t tokens = v.tokens.value, columns = std::max(v.columns.value, 1u);
  c.operands = {operand(ElementType::I4, tokens, v.subRows, columns),
                operand(ElementType::F16, tokens, v.subRows, columns),
                operand(ElementType::F32, tokens, v.subRows, columns),
                operand(ElementType::U4, tokens, v.subRows, columns)};
  v.steps.push_back({.step = Step::LoadMatrix, .operand = uint8_t(below(3))});
  v.steps.push_back({.step = Step::LoadScalar, .operand = 2});
  v.steps.push_back({.step = Step::LoadGroup, .operand = 3, .imm = float(1 + below(64))});
  uint32_t target = 3 + below(40);
  while (v.steps.size() < target) {
    VectorChain longer = v;
    ChainStep step;
    step.step = Step(below(stepCount));
    const StepTraits &traits = traitsOf(step.step);
    unsigned inputs = inputCount(step.step);
    step.a = inputs > 0 ? uint8_t(below(uint32_t(v.steps.size()))) : uint8_t(0);
    step.b = inputs > 1 ? uint8_t(below(uint32_t(v.steps.size()))) : uint8_t(0);
    step.operand = traits.operand ? 2 : 0;
    step.imm = !traits.imm ? 0.0f : step.step == Step::LoadGroup ? 8.0f : float(below(999)) / -8;
    longer.steps.push_back(step);
    longer.steps.push_back({.step = Step::StoreScalar, .a = 1, .operand = 2});
    std::string error;
    if (!chainKinds(longer, error).empty())
      v.steps.push_back(step);
  }
  v.steps.push_back({.step = Step::StoreMatrix, .a = 0, .operand = uint8_t(1 + below(2))});
  return c;
}

Command RandomProgram::command() {
  static constexpr const char *names[] = {"", "q", "layers.0 attn/k [0]", "x;y#z"};
  Command c;
  c.engine = Engine(below(kEngines));
  c.waits = waits(c.engine);
  c.id = uint32_t(random());
  c.name = names[below(4)];
  if (c.engine == Engine::Tensor)
    c.work = matmul();
  else if (c.engine == Engine::Vector)
    c.work = chain();
  else
    c.work = dma(c.engine);
  return c;
}

Section RandomProgram::section(uint32_t commands) {
  Section s;
  for (uint32_t i = 0; i < commands; ++i)
    s.commands.push_back(command());
  return s;
}

rnpu::Image RandomProgram::image() {
  rnpu::Image image;
  program = Program{};
  program.entry = chance(80) ? "decode" : "";
  program.arguments = below(4);
  for (uint32_t i = 0; i < program.arguments; ++i)
    program.argumentMax.push_back(below(40));
  program.trips = chance(70) ? 1 + below(30) : 0;
  program.prologue = section(below(12));
  inBody = true;
  program.body = program.trips ? section(1 + below(12)) : Section{};
  inBody = false;
  program.epilogue = section(below(12));
  for (uint8_t &byte : image.machine)
    byte = uint8_t(random());
  image.program = program;
  return image;
}

} // namespace llmc::test
