// Vector chains by the letter of targets/Interface/Kernel.h: whole rows, step by step, scalar code.
#pragma once

#include "targets/Llvm/Lower.h"

#include <cstdint>
#include <vector>

namespace llmc::test {

struct ChainCase {
  target::VectorChain chain;
  std::vector<target::KernelOperand> operands;
  std::vector<std::vector<uint8_t>> memory; ///< One per operand.
  std::vector<uint32_t> params;

  uint32_t extent(const target::Extent &extent) const {
    return extent.argument < 0 ? extent.value : params[size_t(extent.argument)];
  }
};

/// Runs the chain on the case's memory.
void runChain(ChainCase &data);

/// Bytes of operand `index` in which a result may differ: those written. Equal numbers, or NaN for
/// NaN.
bool sameBytes(target::ElementType type, const std::vector<uint8_t> &x,
               const std::vector<uint8_t> &y);

} // namespace llmc::test
