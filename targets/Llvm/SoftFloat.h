// fp32 arithmetic as code, for instruction sets without it.
#pragma once

#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
} // namespace llvm

namespace llmc::target {

/// The functions of soft_float.c for this machine, whose pointers have 32 bits.
std::unique_ptr<llvm::Module> softFloatModule(llvm::LLVMContext &context,
                                              llvm::TargetMachine &machine, std::string &error);

} // namespace llmc::target
