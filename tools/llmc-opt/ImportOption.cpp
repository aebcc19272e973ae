// --import-onnx: reading a model file where MLIR text is read otherwise.
#include "tools/llmc-opt/ImportOption.h"

#include "compiler/Import/Onnx/ImportOnnx.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

LogicalResult runOnImportedModel(llvm::StringRef model, llvm::StringRef output,
                                 DialectRegistry &registry) {
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  MLIRContext context(registry);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  FailureOr<llmc::ImportedModel> imported = llmc::importOnnx(model, context);
  if (failed(imported))
    return failure();
  PassManager passes(&context);
  passes.enableVerifier(config.shouldVerifyPasses());
  if (failed(applyPassManagerCLOptions(passes)) || failed(config.setupPassPipeline(passes)) ||
      failed(passes.run(*imported->module)))
    return failure();
  std::string error;
  auto file = openOutputFile(output, &error);
  if (!file) {
    llvm::errs() << error << "\n";
    return failure();
  }
  constexpr int64_t longestPrinted = 64; // Elements, and bytes of a resource.
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(longestPrinted).elideLargeResourceString(longestPrinted);
  imported->module->print(file->os(), flags);
  file->keep();
  return success();
}
