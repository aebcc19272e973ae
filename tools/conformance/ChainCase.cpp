#include "tools/conformance/ChainCase.h"

#include <fmt/format.h>

namespace llmc::conformance {

using namespace target;

ChainCase::ChainCase(const RowShape &shape, Random &random) : shape(shape), memory(data, random) {
  chain.tokens = {shape.tokens};
  chain.subRows = shape.subRows;
  chain.columns = {shape.columns};
  data.most.tokens = shape.tokens;
  data.calls = {data.most};
  data.shape =
      fmt::format("tokens {} x {}, columns {}", shape.tokens, shape.subRows, shape.columns);
}

void ChainCase::bindPosition() {
  chain.positionArgument = positionArgument;
  chain.tokens.argument = tokensArgument;
  data.most.position = shape.columns;
  data.calls = {{0, shape.tokens}, {shape.columns / 2, 1}, data.most};
}

uint8_t ChainCase::step(Step step, uint8_t a, uint8_t b, float imm) {
  chain.steps.push_back({.step = step, .a = a, .b = b, .imm = imm});
  return uint8_t(chain.steps.size() - 1);
}

uint8_t ChainCase::load(Step step, ElementType type, float factor, float imm) {
  RowShape rows = shape;
  if (step == Step::LoadRow)
    rows.tokens = rows.subRows = 1;
  else if (step == Step::LoadScalar)
    rows.columns = 1;
  else if (step == Step::LoadGroup)
    rows.columns = (shape.columns - 1) / uint32_t(imm) + 1;
  const uint8_t operand = memory.add(type, rows, factor);
  chain.steps.push_back({.step = step, .operand = operand, .imm = imm});
  return uint8_t(chain.steps.size() - 1);
}

uint8_t ChainCase::loadSpecial(float factor) {
  const uint8_t operand = memory.addSpecial(shape);
  chain.steps.push_back({.step = Step::LoadMatrix, .operand = operand});
  const auto value = uint8_t(chain.steps.size() - 1);
  return factor == 1.0f ? value : step(Step::Mul, value, constant(factor));
}

void ChainCase::store(Step step, uint8_t value, ElementType type) {
  RowShape rows = shape;
  if (step == Step::StoreScalar)
    rows.columns = 1;
  const uint8_t operand = memory.add(type, rows);
  chain.steps.push_back({.step = step, .a = value, .operand = operand});
}

void ChainCase::moveLastOperand(uint32_t positions) {
  KernelOperand &operand = data.operands.back();
  operand.argument = positionArgument;
  operand.argumentStride = operand.tokenStride;
  operand.bytes += uint64_t(positions) * operand.tokenStride;
  data.memory.back().resize(operand.bytes, 0xa5);
  data.most.position = positions;
  data.calls = {{0, shape.tokens}, data.most};
}

Case ChainCase::take() {
  data.work = chain;
  return std::move(data);
}

} // namespace llmc::conformance
