// Vector chains as code: rows are divided over the parts, columns run in vectors of 16.
#pragma once

#include "targets/Llvm/Lower.h"

#include <string>

namespace llvm {
class Module;
}

namespace llmc::target {

/// Adds the function of a chain to the module. Errors: those of cutChain.
bool emitChain(llvm::Module &module, const IsaTable &isa, const std::string &name,
               const VectorChain &chain, const std::vector<KernelOperand> &operands,
               std::string &error);

} // namespace llmc::target
