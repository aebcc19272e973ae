#include "compiler/Library/CompilerLibrary.h"

#include "targets/Llvm/LlvmHost.h"

using namespace llmc;

namespace {

class LoadedCompiler final : public Compiler {
public:
  CompileResult compile(const CompileOptions &options,
                        const target::TargetRegistry &targets) const override {
    return compileModel(options, targets, llvm);
  }
  std::unique_ptr<ReferenceModel> loadReference(const ReferenceOptions &options,
                                                std::string &error) const override {
    return llmc::loadReference(options, error);
  }
  std::optional<std::string> recipeText(const std::string &name,
                                        std::string &error) const override {
    return llmc::recipeText(name, error);
  }
  const target::HostServices &host() const override { return llvm; }

private:
  const target::LlvmHost llvm;
};

} // namespace

extern "C" const CompilerLibrary *llmcCompilerLibrary() {
  static const LoadedCompiler compiler;
  static const CompilerLibrary library{LLMC_COMPILER_INTERFACE, &compiler};
  return &library;
}
