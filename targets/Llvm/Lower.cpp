#include "targets/Llvm/Lower.h"

#include "targets/Llvm/AttentionKernel.h"
#include "targets/Llvm/ChainKernel.h"
#include "targets/Llvm/Codegen.h"
#include "targets/Llvm/FusedAttention.h"
#include "targets/Llvm/Link.h"
#include "targets/Llvm/RowAttention.h"
#include "targets/Llvm/RowLinear.h"
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
  const bool described = isa.dot == DotKind::Described;
  const bool byRows = isa.dot == DotKind::None || isa.dot == DotKind::Vmladava || described;
  // What the fused kernel is written for.
  const bool fuses = !byRows || (described && isa.stackBytes >= kKernelStackBytes &&
                                 module.getDataLayout().getPointerSizeInBits() == 64);
  const auto emit = [&](auto function, const auto &work) {
    return function(module, isa, kernel.name, work, kernel.operands, reason);
  };
  if (const auto *chain = std::get_if<VectorChain>(&kernel.work))
    done = emit(emitChain, *chain);
  else if (const auto *pack = std::get_if<PackRows>(&kernel.work))
    done = emit(byRows ? emitRowPack : emitX86PackRows, *pack);
  else if (const auto *embed = std::get_if<EmbedRows>(&kernel.work))
    done = emit(byRows ? emitRowEmbed : emitX86EmbedRows, *embed);
  else if (const auto *attention = std::get_if<Attention>(&kernel.work))
    done = emit(fuses ? emitFusedAttention : emitRowAttention, *attention);
  else if (const auto &matmul = std::get<Matmul>(kernel.work); matmul.kind == MatmulKind::Linear)
    done = emit(byRows ? emitRowLinear : emitX86Linear, matmul);
  else
    done = emit(emitAttention, matmul);
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
