// Scores and Values: fp16 products summed in fp32, one accumulator per output, k ascending. Any
// instruction set.
//
// 32 outputs and up to 256 of k at a time: B becomes a panel of fp32 [k][32] on the stack,
// transposed for Scores, and meets the rows of this part. Between runs of k the sums wait in the
// output. A product of two fp16 is exact, so that a fused multiply-add is the same as two
// roundings.
#pragma once

#include "targets/Llvm/Lower.h"

#include <string>

namespace llvm {
class Module;
}

namespace llmc::target {

/// Adds the function of a Scores or Values. Errors: operands that are not those of one, a scale or
/// accumulation it has not.
bool emitAttention(llvm::Module &module, const IsaTable &isa, const std::string &name,
                   const Matmul &matmul, const std::vector<KernelOperand> &operands,
                   std::string &error);

} // namespace llmc::target
