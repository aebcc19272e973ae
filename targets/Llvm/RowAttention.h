// Attention of small CPUs: one query row at a time, its scores on the stack.
//
// Scores sum along the columns of one key, of four positions at once for the sake of latency;
// values sum along positions, 16 columns at once. Orders are those of docs/numerics.md.
#pragma once

#include "targets/Llvm/Lower.h"

#include <string>

namespace llvm {
class Module;
}

namespace llmc::target {

/// Adds the function of an Attention. Errors: operands or numbers that are not those of one, a
/// context whose scores do not fit the stack of the instruction set.
bool emitRowAttention(llvm::Module &module, const IsaTable &isa, const std::string &name,
                      const Attention &attention, const std::vector<KernelOperand> &operands,
                      std::string &error);

} // namespace llmc::target
