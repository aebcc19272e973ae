#include "targets/Llvm/Codegen.h"

#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/CodeGen/TargetLowering.h"
#include "llvm/CodeGen/TargetSubtargetInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/Utils/IntegerDivision.h"

#include <fmt/format.h>
#include <mutex>

namespace llmc::target {

namespace {

void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
  });
}

/// The first feature of the table that this LLVM does not know.
std::optional<std::string> unknownFeature(const llvm::MCSubtargetInfo &known,
                                          llvm::StringRef features) {
  llvm::SmallVector<llvm::StringRef> names;
  features.split(names, ',', -1, false);
  for (llvm::StringRef name : names)
    if (llvm::none_of(known.getAllProcessorFeatures(),
                      [&](const llvm::SubtargetFeatureKV &feature) {
                        return name.drop_front() == feature.Key;
                      }))
      return name.str();
  return std::nullopt;
}

std::optional<llvm::CodeModel::Model> modelOf(CodeModel model) {
  switch (model) {
  case CodeModel::Small:
    return llvm::CodeModel::Small;
  case CodeModel::Medium:
    return llvm::CodeModel::Medium;
  case CodeModel::Default:
    break;
  }
  return std::nullopt;
}

void constrain(llvm::Module &module, const IsaTable &isa) {
  const std::string bits = std::to_string(isa.vectorBits);
  for (llvm::Function &function : module) {
    function.setDSOLocal(true);
    function.setVisibility(function.hasLocalLinkage() ? llvm::GlobalValue::DefaultVisibility
                                                      : llvm::GlobalValue::HiddenVisibility);
    if (function.isDeclaration())
      continue;
    function.addFnAttr("no-builtins");
    function.addFnAttr("warn-stack-size", "0"); // Every frame is reported to the collector.
    function.addFnAttr("target-cpu", isa.cpu);
    function.addFnAttr("target-features", isa.features);
    // A CPU's tuning may prefer narrower vectors than a kernel is written for.
    function.addFnAttr("prefer-vector-width", bits);
    function.addFnAttr("min-legal-vector-width", bits);
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.setUWTableKind(llvm::UWTableKind::None);
  }
  for (llvm::GlobalVariable &variable : module.globals())
    variable.setDSOLocal(true);
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              const llvm::TargetLibraryInfoImpl &library) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  // Kernels are written with their vectors and their unrolling.
  tuning.LoopVectorization = tuning.SLPVectorization = tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

/// Writes out divisions that the machine has neither an instruction nor a sequence for; LLVM would
/// call a function.
void expandDivisions(llvm::Module &module, llvm::TargetMachine &machine) {
  using namespace llvm;
  SmallVector<BinaryOperator *> divisions;
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    const TargetLowering &lowering = *machine.getSubtargetImpl(function)->getTargetLowering();
    const auto isKnown = [&](unsigned operation, MVT type) {
      return lowering.isOperationLegalOrCustom(operation, type);
    };
    for (Instruction &instruction : instructions(function)) {
      auto *division = dyn_cast<BinaryOperator>(&instruction);
      if (!division || !division->isIntDivRem() || isa<Constant>(division->getOperand(1)) ||
          division->getType() != Type::getInt32Ty(module.getContext()))
        continue;
      if (!isKnown(ISD::UDIV, MVT::i32) && !isKnown(ISD::UDIVREM, MVT::i32))
        divisions.push_back(division);
    }
  }
  for (BinaryOperator *division : divisions) {
    const auto operation = division->getOpcode();
    if (operation == Instruction::UDiv || operation == Instruction::SDiv)
      expandDivision(division);
    else
      expandRemainder(division);
  }
}

/// Collects what the backend reports, for as long as it lives: errors, and the frames of functions.
class Collector {
public:
  Collector(llvm::LLVMContext &context, std::string &error, std::map<std::string, uint64_t> &frames)
      : context(context), error(error), frames(frames) {
    context.setDiagnosticHandlerCallBack(
        [](const llvm::DiagnosticInfo *info, void *into) {
          static_cast<Collector *>(into)->take(*info);
        },
        this);
  }
  ~Collector() { context.setDiagnosticHandlerCallBack(nullptr); }

private:
  void take(const llvm::DiagnosticInfo &info) {
    if (const auto *frame = llvm::dyn_cast<llvm::DiagnosticInfoStackSize>(&info))
      frames[frame->getFunction().getName().str()] = frame->getStackSize();
    if (info.getSeverity() != llvm::DS_Error)
      return;
    llvm::raw_string_ostream stream(error);
    llvm::DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    stream << "\n";
  }

  llvm::LLVMContext &context;
  std::string &error;
  std::map<std::string, uint64_t> &frames;
};

} // namespace

std::unique_ptr<llvm::TargetMachine> targetMachine(const IsaTable &isa, std::string &error) {
  initializeTargets();
  const llvm::Triple triple(isa.triple);
  std::string reason;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, reason);
  if (!target) {
    error = fmt::format("instruction set '{}': {}", isa.name, reason);
    return nullptr;
  }
  std::unique_ptr<llvm::MCSubtargetInfo> known(target->createMCSubtargetInfo(triple, "", ""));
  if (!known || !known->isCPUStringValid(isa.cpu)) {
    error = fmt::format("instruction set '{}': {} has no CPU '{}'", isa.name, isa.triple, isa.cpu);
    return nullptr;
  }
  if (const auto feature = unknownFeature(*known, isa.features)) {
    error =
        fmt::format("instruction set '{}': {} has no feature '{}'", isa.name, isa.triple, *feature);
    return nullptr;
  }
  llvm::TargetOptions options;
  options.MCOptions.ABIName = isa.abi;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  options.NoTrappingFPMath = true;
  options.FunctionSections = isa.softFloat; // So that the linker can leave helpers out.
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, isa.cpu, isa.features, options, llvm::Reloc::PIC_,
                                  modelOf(isa.codeModel), llvm::CodeGenOptLevel::Aggressive));
}

std::unique_ptr<llvm::Module> newModule(llvm::LLVMContext &context, llvm::TargetMachine &machine) {
  auto module = std::make_unique<llvm::Module>("kernels", context);
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  module->setPICLevel(llvm::PICLevel::SmallPIC);
  return module;
}

std::optional<CompiledObject> compileObject(llvm::Module &module, const IsaTable &isa,
                                            llvm::TargetMachine &machine, std::string &error) {
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  if (llvm::verifyModule(module, &stream)) {
    error = fmt::format("kernel module '{}': invalid IR: {}", module.getModuleIdentifier(), broken);
    return std::nullopt;
  }
  constrain(module, isa);
  llvm::TargetLibraryInfoImpl library(machine.getTargetTriple());
  library.disableAllFunctions();
  std::string reported;
  CompiledObject object;
  Collector collector(module.getContext(), reported, object.frames);
  optimize(module, machine, library);
  expandDivisions(module, machine);
  llvm::raw_svector_ostream out(object.bytes);
  llvm::legacy::PassManager passes;
  passes.add(new llvm::TargetLibraryInfoWrapperPass(library));
  if (machine.addPassesToEmitFile(passes, out, nullptr, llvm::CodeGenFileType::ObjectFile))
    reported += "no object files for this triple";
  else
    passes.run(module);
  if (!reported.empty()) {
    error = fmt::format("kernel module '{}' for '{}': {}", module.getModuleIdentifier(), isa.name,
                        reported);
    return std::nullopt;
  }
  return object;
}

} // namespace llmc::target
