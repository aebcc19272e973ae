// One kernel with all that it takes to run it: shapes, memory, weights, and the calls to make.
#pragma once

#include "targets/Reference/WeightMatrix.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace llmc::conformance {

/// Parameters of a plan, which kernels have as their arguments.
constexpr int16_t noArgument = -1, positionArgument = 0, tokensArgument = 1, lengthArgument = 2;

struct CaseCall {
  uint32_t position = 0, tokens = 1;
  std::array<uint32_t, 3> arguments() const { return {position, tokens, position + tokens}; }
};

struct Case {
  std::string shape; ///< "tokens 3, n 17, k 33"
  target::KernelWork work;
  /// As the reference reads them: activations of a linear layer are rows, never packed.
  std::vector<target::KernelOperand> operands;
  std::vector<std::vector<uint8_t>> memory; ///< Of each operand, empty for packed weights.
  std::optional<target::WeightMatrix> weights;
  CaseCall most; ///< What no call exceeds.
  std::vector<CaseCall> calls;

  bool writes(size_t operand) const;
  /// The operand that is packed weights, or -1.
  int weightsOperand() const;
  /// The packing that a linear layer of several rows wants first.
  std::optional<target::PackRows> packing() const;
  /// Bytes of operand `index`, given what a target packs the weights to.
  uint64_t bytesOf(size_t index, uint64_t packedBytes) const;
  /// Memory of every operand as the reference leaves it.
  std::vector<std::vector<uint8_t>> expected(const CaseCall &call) const;
};

/// "linear w4-m32": for classes and messages.
std::string nameOf(const target::WeightFormat &format);

} // namespace llmc::conformance
