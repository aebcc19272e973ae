#include "passes/Raising/RaisingPasses.h"

#include "passes/Raising/FingerprintWeights.h"
#include "passes/Raising/FinishProgram.h"
#include "passes/Raising/RaiseAttention.h"
#include "passes/Raising/RaiseEmbedding.h"
#include "passes/Raising/RaiseGatedAct.h"
#include "passes/Raising/RaiseGroupQueryAttention.h"
#include "passes/Raising/RaiseInputs.h"
#include "passes/Raising/RaiseLinear.h"
#include "passes/Raising/RaiseResidual.h"
#include "passes/Raising/RaiseRmsNorm.h"
#include "passes/Raising/RaiseRope.h"
#include "passes/Raising/SimplifyNodes.h"
#include "passes/Raising/VerifyRaised.h"
#include "passes/Raising/WidenHalves.h"

#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

namespace llmc::passes {

void buildRaisePipeline(OpPassManager &manager, const RaiseOptions &options) {
  auto report = options.report ? options.report : std::make_shared<RaiseReport>();
  manager.addPass(createWidenHalvesPass(report));
  manager.addPass(createRaiseInputsPass(report));
  manager.addPass(createSimplifyNodesPass(report));
  manager.addPass(createRaiseEmbeddingPass(report));
  manager.addPass(createRaiseRmsNormPass(report));
  manager.addPass(createRaiseLinearPass(report));
  manager.addPass(createRaiseGatedActPass(report));
  manager.addPass(createRaiseResidualPass(report));
  manager.addPass(createRaiseRopePass(report, options.context));
  manager.addPass(createRaiseAttentionPass(report, options.context));
  manager.addPass(createRaiseGroupQueryAttentionPass(report, options.context));
  manager.addPass(createVerifyRaisedPass(report, options.reportFile));
  manager.addPass(createFinishProgramPass(report));
}

namespace {

struct RaiseCommandLine : PassPipelineOptions<RaiseCommandLine> {
  Option<int64_t> context{*this, "context",
                          llvm::cl::desc("Positions; 0: the module attribute lm.context"),
                          llvm::cl::init(0)};
  Option<std::string> reportFile{*this, "report-file",
                                 llvm::cl::desc("Write the match report there, as JSON")};
};

} // namespace

void registerRaisingPasses() {
  registerWidenHalvesPass();
  registerRaiseInputsPass();
  registerSimplifyNodesPass();
  registerRaiseEmbeddingPass();
  registerRaiseRmsNormPass();
  registerRaiseLinearPass();
  registerRaiseGatedActPass();
  registerRaiseResidualPass();
  registerRaiseRopePass();
  registerRaiseAttentionPass();
  registerRaiseGroupQueryAttentionPass();
  registerVerifyRaisedPass();
  registerFinishProgramPass();
  registerFingerprintWeightsPass();
  PassPipelineRegistration<RaiseCommandLine>(
      "llmc-raise", "From imported ONNX nodes to the canonical lm program",
      [](OpPassManager &manager, const RaiseCommandLine &line) {
        buildRaisePipeline(manager, {line.context, nullptr, line.reportFile});
      });
}

} // namespace llmc::passes
