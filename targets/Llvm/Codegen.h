// LLVM modules to objects, under the rules that keep a blob self-contained and its numbers exact.
#pragma once

#include "targets/Interface/IsaTable.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "llvm/ADT/SmallVector.h"

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
} // namespace llvm

namespace llmc::target {

struct CompiledObject {
  llvm::SmallVector<char, 0> bytes;
  std::map<std::string, uint64_t> frames; ///< Stack of the functions that have one, by name.
};

/// The code generator of a table. Errors: a triple, CPU or feature this LLVM does not know.
std::unique_ptr<llvm::TargetMachine> targetMachine(const IsaTable &isa, std::string &error);

/// An empty module of this instruction set.
std::unique_ptr<llvm::Module> newModule(llvm::LLVMContext &context, llvm::TargetMachine &machine);

/// Optimises the module and writes an object. Every function becomes hidden, dso_local, nounwind
/// and free of builtins, so that no loop turns into a call of memset; products and sums are never
/// contracted. Errors: IR that does not verify, and what the backend reports.
std::optional<CompiledObject> compileObject(llvm::Module &module, const IsaTable &isa,
                                            llvm::TargetMachine &machine, std::string &error);

} // namespace llmc::target
