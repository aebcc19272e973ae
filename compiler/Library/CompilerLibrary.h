// The boundary of libllmc-compiler.so: one C function that hands out the facade of
// compiler/Pipeline/Compiler.h. Programs that only run plans never load the library, and with it
// neither MLIR nor LLVM.
#pragma once

#include "compiler/Pipeline/Compiler.h"

namespace llmc {

/// The functions of compiler/Pipeline/Compiler.h, reachable without linking them.
class Compiler {
public:
  virtual CompileResult compile(const CompileOptions &options,
                                const target::TargetRegistry &targets) const = 0;
  virtual std::unique_ptr<ReferenceModel> loadReference(const ReferenceOptions &options,
                                                        std::string &error) const = 0;
  virtual std::optional<std::string> recipeText(const std::string &name,
                                                std::string &error) const = 0;
  /// What targets are given that emit kernels.
  virtual const target::HostServices &host() const = 0;

protected:
  ~Compiler() = default;
};

/// `interface` comes first and is plain C, so that a program can always read it; `compiler` means
/// something only to a program whose LLMC_COMPILER_INTERFACE equals it.
struct CompilerLibrary {
  const char *interface;
  const Compiler *compiler;
};

/// Type and name of the library's only exported function. What it returns lives until exit.
using CompilerEntry = const CompilerLibrary *();
constexpr const char *compilerEntryName = "llmcCompilerLibrary";

} // namespace llmc
