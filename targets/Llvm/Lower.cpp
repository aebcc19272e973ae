#include "targets/Llvm/Lower.h"

#include "targets/Llvm/AttentionKernel.h"
#include "targets/Llvm/ChainKernel.h"
#include "targets/Llvm/Codegen.h"
#include "targets/Llvm/FusedAttention.h"
#include "targets/Llvm/Link.h"
#include "targets/Llvm/X86Linear.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

#include <fmt/format.h>
#include <set>

namespace llmc::target {

static bool emitKernel(llvm::Module &module, const IsaTable &isa, const KernelRequest &kernel,
                       std::string &error) {
  std::string reason;
  bool done = false;
  if (const auto *chain = std::get_if<VectorChain>(&kernel.work))
    done = emitChain(module, isa, kernel.name, *chain, kernel.operands, reason);
  else if (const auto *pack = std::get_if<PackRows>(&kernel.work))
    done = emitX86PackRows(module, isa, kernel.name, *pack, kernel.operands, reason);
  else if (const auto *embed = std::get_if<EmbedRows>(&kernel.work))
    done = emitX86EmbedRows(module, isa, kernel.name, *embed, kernel.operands, reason);
  else if (const auto *attention = std::get_if<Attention>(&kernel.work))
    done = emitFusedAttention(module, isa, kernel.name, *attention, kernel.operands, reason);
  else if (const auto &matmul = std::get<Matmul>(kernel.work); matmul.kind == MatmulKind::Linear)
    done = emitX86Linear(module, isa, kernel.name, matmul, kernel.operands, reason);
  else
    done = emitAttention(module, isa, kernel.name, matmul, kernel.operands, reason);
  if (!done)
    error = fmt::format("kernel '{}' for '{}': {}", kernel.name, isa.name, reason);
  return done;
}

std::optional<Blob> lowerLlvm(const std::vector<KernelRequest> &kernels, const IsaTable &isa,
                              std::string &error) {
  const auto machine = targetMachine(isa, error);
  if (!machine)
    return std::nullopt;
  llvm::LLVMContext context;
  std::vector<std::unique_ptr<llvm::Module>> modules;
  modules.push_back(newModule(context, *machine));
  std::set<std::string> names;
  for (const KernelRequest &kernel : kernels) {
    if (kernel.name.empty() || !names.insert(kernel.name).second) {
      error =
          fmt::format("kernel '{}': every kernel of a blob needs a name of its own", kernel.name);
      return std::nullopt;
    }
    if (!emitKernel(*modules.front(), isa, kernel, error))
      return std::nullopt;
  }
  return linkBlob(modules, isa, *machine, error);
}

} // namespace llmc::target
