#include "targets/Llvm/SoftFloat.h"

#include "embedded/softFloat.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Target/TargetMachine.h"

#include <fmt/format.h>

namespace llmc::target {

std::unique_ptr<llvm::Module> softFloatModule(llvm::LLVMContext &context,
                                              llvm::TargetMachine &machine, std::string &error) {
  llvm::SMDiagnostic problem;
  auto module = llvm::parseAssemblyString(embedded::softFloat().front().second, problem, context);
  if (!module) {
    error = fmt::format("software floating point: {}", problem.getMessage().str());
    return nullptr;
  }
  // Of the build's own choice are the name of a 32-bit machine and what it has; the rest is C.
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  module->setModuleIdentifier("software floating point");
  llvm::SmallVector<llvm::NamedMDNode *, 4> notes;
  for (llvm::NamedMDNode &note : module->named_metadata())
    notes.push_back(&note);
  for (llvm::NamedMDNode *note : notes)
    note->eraseFromParent();
  module->setPICLevel(llvm::PICLevel::SmallPIC);
  return module;
}

} // namespace llmc::target
