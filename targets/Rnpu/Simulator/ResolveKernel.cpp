// Operands of matrix multiplications and vector chains.
#include "targets/Rnpu/Simulator/Resolve.h"

#include "targets/Rnpu/Names.h"
#include "targets/Rnpu/Timing.h"
#include "targets/Rnpu/Validate.h"
#include "targets/Rnpu/WeightTile.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

/// Largest K of the tensor engine's depth counter; an overflow of the sum itself is found by value.
static constexpr uint64_t maxDepth = uint64_t(1) << 24;

static uint64_t bytesOf(ElementType type, uint64_t count) { return (count * bitsOf(type) + 7) / 8; }

/// Rows of `run` bytes of an operand.
static Access rowsOf(const Operand &operand, unsigned index, const Resolved &r, uint64_t run) {
  return {Space::Sram,
          r.addresses[index],
          run,
          {r.subRows, r.tokens},
          {operand.subStride, operand.tokenStride},
          uint8_t(index)};
}

bool Resolver::operandAddress(const Operand &operand, unsigned index, Resolved &out) {
  if (operand.address.space != Space::Sram)
    return reporter.fail(FaultKind::Shape,
                         fmt::format("operand {} lies in {}, kernels address sram only", index,
                                     nameOf(operand.address.space)));
  if (unsigned(operand.type) > unsigned(ElementType::U4))
    return reporter.fail(FaultKind::BadProgram, fmt::format("operand {}: unknown type", index));
  if (!address(operand.address, "operand", out.addresses[index]))
    return false;
  const uint32_t element = std::max(8u, bitsOf(operand.type)) / 8;
  if (out.addresses[index] % element || operand.tokenStride % element ||
      operand.subStride % element)
    return reporter.fail(FaultKind::Misaligned,
                         fmt::format("operand {} at sram {} with strides {} and {} is not aligned "
                                     "to its {}-byte elements",
                                     index, out.addresses[index], operand.tokenStride,
                                     operand.subStride, element),
                         Space::Sram, out.addresses[index], element);
  return true;
}

/// Rows of `width` elements fit SRAM at four bits each: keeps host work in proportion to the
/// machine.
bool Resolver::checkVolume(const Resolved &r, uint64_t width) {
  const uint64_t limit = 2 * machine.sram().bytes;
  const uint64_t rows = saturatingMad(r.tokens, r.subRows, 0);
  if (saturatingMad(rows, std::max<uint64_t>(1, width), 0) <= limit)
    return true;
  return reporter.fail(
      FaultKind::Shape,
      fmt::format("{} rows of {} elements are more than sram can hold", rows, width), Space::Sram,
      0, limit);
}

bool Resolver::checkTypes(const MatmulCommand &command) {
  const bool linear = command.matmul.kind == MatmulKind::Linear;
  const ElementType a = linear ? ElementType::I8 : ElementType::F16;
  const Operand *ops = command.operands;
  if (unsigned(command.matmul.kind) > unsigned(MatmulKind::Values))
    return reporter.fail(FaultKind::BadProgram, "unknown matmul kind");
  if (ops[matmul::A].type != a || ops[matmul::Out].type != ElementType::F32 ||
      (linear && ops[matmul::AScale].type != ElementType::F32) ||
      ops[matmul::B].type != (linear ? command.matmul.format.element : ElementType::F16))
    return reporter.fail(FaultKind::Shape, "operand types are not those of the matmul's kind");
  return true;
}

/// The packed tile and the row scales.
bool Resolver::linearTile(const MatmulCommand &command, Resolved &out) {
  const WeightFormat &format = command.matmul.format;
  if ((format.element != ElementType::I8 && format.element != ElementType::I4) ||
      unsigned(format.scale) > unsigned(ScaleKind::F32Group) ||
      (format.scale == ScaleKind::MultiplierF32Row && format.element != ElementType::I4))
    return reporter.fail(FaultKind::Shape, "unknown weight format");
  if (out.k > maxDepth || out.n > maxDepth)
    return reporter.fail(FaultKind::Shape,
                         fmt::format("n {} and k {} must not exceed {}", out.n, out.k, maxDepth));
  const Operand &tile = command.operands[matmul::B];
  const TileLayout layout(format, uint32_t(out.n), uint32_t(out.k));
  if (tile.bytes != layout.bytes)
    return reporter.fail(FaultKind::WeightTile,
                         fmt::format("a tile of {} rows and {} columns has {} bytes, the operand "
                                     "declares {}",
                                     out.n, out.k, layout.bytes, tile.bytes),
                         Space::Sram, out.addresses[matmul::B], layout.bytes);
  const Operand &scale = command.operands[matmul::AScale];
  const uint64_t used = out.rows() > 0 && out.n > 0 ? layout.bytes : 0;
  return add(&tile, {Space::Sram, out.addresses[matmul::B], used, {1, 1}, {0, 0}, matmul::B}, false,
             16, out) &&
         (out.n == 0 || add(&scale, rowsOf(scale, matmul::AScale, out, 4), false, 1, out));
}

bool Resolver::resolve(const MatmulCommand &command, Resolved &out) {
  const Matmul &m = command.matmul;
  const Operand *ops = command.operands;
  const bool linear = m.kind == MatmulKind::Linear, scores = m.kind == MatmulKind::Scores;
  out.subRows = m.subRows;
  out.addresses.resize(4);
  if (!checkTypes(command) || !extent(m.tokens, 1, "tokens", out.tokens) ||
      !extent(m.n, 1, "n", out.n) || !extent(m.k, 1, "k", out.k))
    return false;
  if (m.subRows == 0)
    return reporter.fail(FaultKind::Shape, "a matmul has at least one sub-row");
  for (unsigned i = 0; i < 4; ++i)
    if ((linear || i != matmul::AScale) && !operandAddress(ops[i], i, out))
      return false;
  if (!checkVolume(out, std::max(out.n, out.k)))
    return false;
  constexpr uint64_t alignment =
      1; // Kernel operands are aligned to their elements, packed tiles to 16.
  const Access result = rowsOf(ops[matmul::Out], matmul::Out, out, out.n * 4);
  // What feeds no result is not read.
  const uint64_t depth = out.n == 0 ? 0 : out.k;
  if (!add(&ops[matmul::A], rowsOf(ops[matmul::A], matmul::A, out, bytesOf(ops[0].type, depth)),
           false, alignment, out))
    return false;
  if (linear && !linearTile(command, out))
    return false;
  const Operand &b = ops[matmul::B];
  const Access other{Space::Sram,
                     out.addresses[matmul::B],
                     out.rows() == 0 ? 0 : 2 * (scores ? out.k : out.n),
                     {scores ? out.n : out.k, 1},
                     {b.tokenStride, 0},
                     matmul::B};
  if (!linear && !add(&b, other, false, alignment, out))
    return false;
  if (m.accumulate && !add(&ops[matmul::Out], result, false, alignment, out))
    return false;
  return add(&ops[matmul::Out], result, true, alignment, out);
}

uint32_t groupOf(const ChainStep &step) {
  const bool whole = step.imm >= 1 && step.imm <= 16777216.0f &&
                     step.imm == static_cast<float>(static_cast<uint32_t>(step.imm));
  return whole ? static_cast<uint32_t>(step.imm) : 0;
}

bool Resolver::chainAccess(const ChainCommand &command, const ChainStep &step, Resolved &out) {
  const StepTraits &traits = traitsOf(step.step);
  if (!traits.operand)
    return true;
  if (step.operand >= command.operands.size())
    return reporter.fail(FaultKind::BadProgram, fmt::format("a step names operand {} of {}",
                                                            step.operand, command.operands.size()));
  const Operand &operand = command.operands[step.operand];
  const bool scalar = step.step == Step::LoadScalar || step.step == Step::StoreScalar;
  const bool store = isStore(step.step);
  const ElementType t = operand.type;
  if (!takesElement(step.step, t))
    return reporter.fail(FaultKind::Shape, fmt::format("{} of type {}", traits.name, nameOf(t)));
  uint64_t elements = scalar ? 1 : out.columns;
  if (step.step == Step::LoadGroup) {
    const uint32_t group = groupOf(step);
    if (group == 0)
      return reporter.fail(FaultKind::Shape, "a group size is a whole number from 1 on");
    elements = (elements + group - 1) / group;
  }
  Access access = rowsOf(operand, step.operand, out, bytesOf(t, elements));
  if (step.step == Step::LoadRow && out.rows() > 0)
    access.counts[0] = access.counts[1] = 1;
  return add(&operand, access, store, 1, out);
}

static uint64_t laneOpsPerRow(const VectorChain &chain, const std::vector<ValueKind> &kinds,
                              uint64_t columns) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const ChainStep &step = chain.steps[i];
    const bool takesRow =
        traitsOf(step.step).inputs != Inputs::None && kinds[step.a] == ValueKind::Vector;
    sum += takesRow || kinds[i] == ValueKind::Vector ? columns : 1;
  }
  return sum;
}

bool Resolver::resolve(const ChainCommand &command, Resolved &out) {
  const VectorChain &chain = command.chain;
  std::string error;
  out.subRows = chain.subRows;
  out.addresses.resize(command.operands.size());
  if (!extent(chain.tokens, 1, "tokens", out.tokens) ||
      !extent(chain.columns, 1, "columns", out.columns))
    return false;
  if (chain.subRows == 0)
    return reporter.fail(FaultKind::Shape, "a chain has at least one sub-row");
  if (!checkVolume(out, out.columns))
    return false;
  if (machine.vector.maxSteps != 0 && chain.steps.size() > machine.vector.maxSteps)
    return reporter.fail(FaultKind::Shape,
                         fmt::format("a chain of {} steps, the machine runs {}", chain.steps.size(),
                                     machine.vector.maxSteps));
  const std::vector<ValueKind> kinds = chainKinds(chain, error);
  if (kinds.empty())
    return reporter.fail(FaultKind::BadProgram, error.empty() ? "an empty chain" : error);
  out.laneOps = out.rows() * laneOpsPerRow(chain, kinds, out.columns);
  out.position = 0;
  for (const ChainStep &step : chain.steps) {
    if (!traitsOf(step.step).position)
      continue;
    if (chain.positionArgument < 0 || size_t(chain.positionArgument) >= arguments.size)
      return reporter.fail(FaultKind::BadProgram, "visible columns need a position argument");
    out.position = uint64_t(arguments[chain.positionArgument]) + chain.firstToken;
  }
  for (unsigned i = 0; i < command.operands.size(); ++i)
    if (!operandAddress(command.operands[i], i, out))
      return false;
  for (const ChainStep &step : chain.steps)
    if (!chainAccess(command, step, out))
      return false;
  return true;
}

} // namespace llmc::rnpu
