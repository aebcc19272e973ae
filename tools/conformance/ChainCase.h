// Makes the case of a vector chain, step by step.
#pragma once

#include "tools/conformance/CaseMemory.h"

#include <string>

namespace llmc::conformance {

class ChainCase {
public:
  ChainCase(const RowShape &shape, target::Random &random);

  void describe(const std::string &what) { data.shape = what + ", " + data.shape; }
  /// Tokens become an argument, and rows see no more than their position.
  void bindPosition();

  /// Each the number of its value.
  uint8_t load(target::Step step, target::ElementType type, float factor = 1.0f, float imm = 0);
  /// Rows with zeros and extremes among them, times a factor.
  uint8_t loadSpecial(float factor = 1.0f);
  uint8_t step(target::Step step, uint8_t a = 0, uint8_t b = 0, float imm = 0);
  uint8_t constant(float value) { return step(target::Step::Constant, 0, 0, value); }

  void store(target::Step step, uint8_t value, target::ElementType type = target::ElementType::F32);
  /// The operand last added begins at the position's row, of `positions` more than there are.
  void moveLastOperand(uint32_t positions);

  size_t steps() const { return chain.steps.size(); }
  Case take();

private:
  RowShape shape;
  Case data;
  CaseMemory memory;
  target::VectorChain chain;
};

} // namespace llmc::conformance
