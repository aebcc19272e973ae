// llmc-opt: runs any pass or bundle of llmc on MLIR text.
#include "compiler/Pipeline/Lowering.h"
#include "dialects/Lm/Lm.h"
#include "dialects/Npu/Npu.h"
#include "dialects/Plan/Plan.h"
#include "passes/Quantization/Pipeline.h"
#include "passes/Raising/RaisingPasses.h"
#include "tools/llmc-opt/ImportOption.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"

static llvm::cl::opt<std::string>
    importOnnx("import-onnx", llvm::cl::value_desc("file"),
               llvm::cl::desc("Read this ONNX file instead of MLIR text; weights are elided"));

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect, llmc::lm::LmDialect,
                  llmc::npu::NpuDialect, llmc::plan::PlanDialect>();
  mlir::registerTransformsPasses();
  llmc::passes::registerRaisingPasses();
  llmc::passes::registerQuantizationPasses();
  llmc::registerLowering();
  auto [input, output] =
      mlir::registerAndParseCLIOptions(argc, argv, "llmc pass driver\n", registry);
  return mlir::asMainReturnCode(importOnnx.empty()
                                    ? mlir::MlirOptMain(argc, argv, input, output, registry)
                                    : runOnImportedModel(importOnnx, output, registry));
}
