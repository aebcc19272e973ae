// Pass llmc-verify-raised: everything was understood.
#include "passes/Raising/VerifyRaised.h"

#include "passes/Raising/RaisePass.h"

#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace llmc::passes {
#define GEN_PASS_DEF_VERIFYRAISEDPASS
#include "passes/Raising/VerifyRaised.h.inc"

namespace {

LogicalResult writeReport(ModuleOp module, const RaiseReport &report, StringRef path) {
  std::string error;
  auto file = openOutputFile(path, &error);
  if (!file)
    return module.emitError("cannot write the match report: ") << error;
  file->os() << report.toJson() << "\n";
  file->keep();
  return success();
}

/// "com.microsoft::Foo (version 1) x 3, first '/model/foo'", in the order of first appearance.
std::string listUnmatched(const RaiseReport &report) {
  struct Kind {
    std::string name, first;
    int64_t count = 0;
  };
  std::vector<Kind> kinds;
  for (const RaiseReport::Unmatched &node : report.unmatched) {
    std::string name = (node.domain.empty() ? "ai.onnx" : node.domain) + "::" + node.type +
                       " (version " + std::to_string(node.version) + ")";
    auto known = llvm::find_if(kinds, [&](const Kind &kind) { return kind.name == name; });
    if (known == kinds.end())
      known = kinds.insert(kinds.end(), {name, node.node, 0});
    ++known->count;
  }
  std::string text;
  for (const Kind &kind : kinds)
    text += (text.empty() ? "" : "; ") + kind.name + " x " + std::to_string(kind.count) +
            ", first '" + kind.first + "'";
  return text;
}

LogicalResult verifyRaised(RaiseStep &step, StringRef reportFile) {
  eraseDeadNodes(step.program);
  for (lm::OpaqueOp node : step.nodes())
    step.report.unmatched.push_back({node.getDomain().str(), node.getOpType().str(),
                                     node.getNodeName().str(), int64_t(node.getVersion())});
  if (!reportFile.empty() && failed(writeReport(step.module, step.report, reportFile)))
    return failure();
  if (step.report.unmatched.empty())
    return success();
  InFlightDiagnostic error = step.program.emitError()
                             << step.report.unmatched.size()
                             << " ONNX nodes are not understood: " << listUnmatched(step.report);
  for (const RaiseReport::NearMatch &near : step.report.nearlyMatched)
    error.attachNote() << "'" << near.node << "' is nearly " << near.pattern << ": "
                       << near.predicate;
  return error;
}

struct VerifyRaisedPass : impl::VerifyRaisedPassBase<VerifyRaisedPass>, Reporting {
  using VerifyRaisedPassBase::VerifyRaisedPassBase;
  void runOnOperation() override {
    auto step = [&](RaiseStep &state) { return verifyRaised(state, reportFile); };
    if (failed(runStep(getOperation(), *report, step)))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createVerifyRaisedPass(std::shared_ptr<RaiseReport> report,
                                             std::string reportFile) {
  VerifyRaisedPassOptions options;
  options.reportFile = std::move(reportFile);
  auto pass = std::make_unique<VerifyRaisedPass>(options);
  pass->report = std::move(report);
  return pass;
}

} // namespace llmc::passes
