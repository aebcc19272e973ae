// Checks of matrix multiplications and vector chains.
#include "targets/Rnpu/ValidateInternal.h"
#include "targets/Rnpu/WeightTile.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

namespace {

using Broken = CommandRules::Broken;

uint32_t alignmentOf(ElementType type) {
  uint32_t bits = type == ElementType::F16                               ? 16
                  : type == ElementType::F32 || type == ElementType::I32 ? 32
                                                                         : 8;
  return bits / 8;
}

Broken expectType(const Operand &operand, ElementType type, std::string_view what) {
  if (operand.type == type)
    return std::nullopt;
  return fmt::format("{}: must be {}, not {}", what, nameOf(type), nameOf(operand.type));
}

} // namespace

Broken checkFormat(const WeightFormat &format) {
  if (format.element != ElementType::I8 && format.element != ElementType::I4)
    return "format: elements must be i8 or i4";
  if (unsigned(format.scale) > unsigned(ScaleKind::F32Group))
    return fmt::format("format: unknown scale kind {}", unsigned(format.scale));
  if (format.scale == ScaleKind::MultiplierF32Row && format.element != ElementType::I4)
    return "format: multipliers need i4 elements";
  if (format.scale == ScaleKind::F32Row && format.group != 0)
    return "format: a scale per row has no groups";
  if (format.group > 65535)
    return fmt::format("format: group {} exceeds 65535", format.group);
  return std::nullopt;
}

Broken CommandRules::operand(const Operand &operand, const Walk &walk,
                             std::string_view what) const {
  if (unsigned(operand.type) > unsigned(ElementType::U4))
    return fmt::format("{}: unknown element type {}", what, unsigned(operand.type));
  if (operand.address.space != Space::Sram)
    return fmt::format("{}: must lie in sram, not {}", what,
                       unsigned(operand.address.space) < kSpaces ? nameOf(operand.address.space)
                                                                 : "an unknown space");
  Wide base = 0;
  if (auto e = address(operand.address, what, &base))
    return e;
  uint32_t alignment = alignmentOf(operand.type);
  const Address &a = operand.address;
  if (a.offset % alignment || a.argumentStride % alignment || a.tripStride % alignment ||
      operand.tokenStride % alignment || operand.subStride % alignment)
    return fmt::format("{}: address or stride is not a multiple of {}", what, alignment);
  if (walk.tokens && walk.subRows && walk.columns) {
    Wide touched = Wide(walk.tokens - 1) * operand.tokenStride +
                   Wide(walk.subRows - 1) * operand.subStride +
                   (Wide(walk.columns) * bitsOf(operand.type) + 7) / 8;
    if (touched > operand.bytes)
      return fmt::format("{}: reaches byte {}, its size is {}", what,
                         touched < addressLimit ? std::to_string(uint64_t(touched)) : ">= 2^48",
                         operand.bytes);
  }
  if (operand.bytes > addressLimit)
    return fmt::format("{}: size {} exceeds 2^48", what, operand.bytes);
  return sramEnd(base + operand.bytes, what);
}

Broken CommandRules::linear(const MatmulCommand &command) const {
  const Matmul &m = command.matmul;
  const Operand *operands = command.operands;
  if (m.n.argument >= 0 || m.k.argument >= 0)
    return "linear: n and k must be numbers";
  if (m.k.value > maxLinearDepth)
    return fmt::format("linear: k {} exceeds {}, beyond which an int32 sum may overflow", m.k.value,
                       maxLinearDepth);
  if (m.accumulate || m.scale != 1.0f)
    return "linear: takes no scale and does not accumulate";
  if (auto e = checkFormat(m.format))
    return e;
  if (auto e = expectType(operands[matmul::A], ElementType::I8, "a"))
    return e;
  if (auto e = expectType(operands[matmul::AScale], ElementType::F32, "aScale"))
    return e;
  if (auto e = expectType(operands[matmul::B], m.format.element, "b"))
    return e;
  const Operand &tile = operands[matmul::B];
  TileLayout layout(m.format, m.n.value, m.k.value);
  if (tile.tokenStride || tile.subStride || tile.bytes != layout.bytes)
    return fmt::format("b: a packed tile has no strides and here {} bytes, not {}", layout.bytes,
                       tile.bytes);
  const Address &a = tile.address;
  if (a.offset % 16 || a.argumentStride % 16 || a.tripStride % 16)
    return "b: a packed tile lies at a multiple of 16";
  if (auto e = operand(operands[matmul::A], {m.tokens.value, m.subRows, m.k.value}, "a"))
    return e;
  if (auto e = operand(operands[matmul::AScale], {m.tokens.value, m.subRows, 1}, "aScale"))
    return e;
  return operand(tile, {0, 0, 0}, "b");
}

Broken CommandRules::attention(const MatmulCommand &command) const {
  const Matmul &m = command.matmul;
  const Operand *operands = command.operands;
  bool scores = m.kind == MatmulKind::Scores;
  if (operands[matmul::AScale] != Operand{})
    return "aScale: only linear has one";
  if (m.format != WeightFormat{})
    return "format: only linear has one";
  if (scores && m.accumulate)
    return "scores: does not accumulate";
  if (!scores && m.scale != 1.0f)
    return "values: takes no scale";
  if (auto e = expectType(operands[matmul::A], ElementType::F16, "a"))
    return e;
  if (auto e = expectType(operands[matmul::B], ElementType::F16, "b"))
    return e;
  if (operands[matmul::B].subStride != 0)
    return "b: rows are positions, it has no sub-rows";
  if (auto e = operand(operands[matmul::A], {m.tokens.value, m.subRows, m.k.value}, "a"))
    return e;
  Walk walk{scores ? m.n.value : m.k.value, 1, scores ? m.k.value : m.n.value};
  return operand(operands[matmul::B], walk, "b");
}

Broken CommandRules::matmul(const MatmulCommand &command) const {
  const Matmul &m = command.matmul;
  if (unsigned(m.kind) > unsigned(MatmulKind::Values))
    return fmt::format("unknown matmul kind {}", unsigned(m.kind));
  if (auto e = extent(m.tokens, 1, "tokens"))
    return e;
  if (auto e = extent(m.n, 1, "n"))
    return e;
  if (auto e = extent(m.k, 1, "k"))
    return e;
  if (m.subRows == 0)
    return "subRows: must be at least 1";
  if (!std::isfinite(m.scale))
    return "scale: not finite";
  if (auto e = m.kind == MatmulKind::Linear ? linear(command) : attention(command))
    return e;
  if (auto e = expectType(command.operands[matmul::Out], ElementType::F32, "out"))
    return e;
  return operand(command.operands[matmul::Out], {m.tokens.value, m.subRows, m.n.value}, "out");
}

namespace {

/// What a step walks over with the extents at their maxima.
CommandRules::Walk walkOf(const VectorChain &chain, const ChainStep &step) {
  uint64_t columns = chain.columns.value;
  switch (step.step) {
  case Step::LoadRow:
    return {std::min(chain.tokens.value, 1u), 1, columns};
  case Step::LoadScalar:
  case Step::StoreScalar:
    return {chain.tokens.value, chain.subRows, 1};
  case Step::LoadGroup: {
    uint64_t group = uint64_t(step.imm);
    return {chain.tokens.value, chain.subRows, (columns + group - 1) / group};
  }
  default:
    return {chain.tokens.value, chain.subRows, columns};
  }
}

} // namespace

Broken CommandRules::chain(const ChainCommand &command) const {
  const VectorChain &chain = command.chain;
  if (auto e = extent(chain.tokens, 1, "tokens"))
    return e;
  if (auto e = extent(chain.columns, 1, "columns"))
    return e;
  if (chain.subRows == 0)
    return "subRows: must be at least 1";
  if (chain.positionArgument < -1 || chain.positionArgument >= int32_t(program.arguments))
    return fmt::format("position: argument {} does not exist, the program has {}",
                       chain.positionArgument, program.arguments);
  if (command.operands.size() > 255)
    return fmt::format("{} operands, at most 255 are possible", command.operands.size());
  std::string error;
  if (chainKinds(chain, error).empty())
    return error;
  for (size_t i = 0; i < command.operands.size(); ++i)
    if (auto e = operand(command.operands[i], {0, 0, 0}, fmt::format("operand {}", i)))
      return e;
  for (size_t i = 0; i < chain.steps.size(); ++i) {
    const ChainStep &step = chain.steps[i];
    if (!traitsOf(step.step).operand)
      continue;
    if (step.operand >= command.operands.size())
      return fmt::format("step {}: operand {} does not exist", i, step.operand);
    const Operand &used = command.operands[step.operand];
    if (!takesElement(step.step, used.type))
      return fmt::format("step {}: {} of {} elements does not exist", i, traitsOf(step.step).name,
                         nameOf(used.type));
    if (auto e = operand(used, walkOf(chain, step), fmt::format("operand {}", step.operand)))
      return e;
  }
  return std::nullopt;
}

} // namespace llmc::rnpu
