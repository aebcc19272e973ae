// Pass llmc-verify-raised: everything was understood.
#include "passes/Raising/VerifyRaised.h"

#include "passes/Raising/Probe.h"
#include "passes/Raising/ProgramInputs.h"
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
std::string list(ArrayRef<lm::OpaqueOp> nodes) {
  struct Kind {
    std::string name, first;
    int64_t count = 0;
  };
  std::vector<Kind> kinds;
  for (lm::OpaqueOp node : nodes) {
    std::string name = (node.getDomain().empty() ? "ai.onnx" : node.getDomain().str()) +
                       "::" + node.getOpType().str() + " (version " +
                       std::to_string(node.getVersion()) + ")";
    auto known = llvm::find_if(kinds, [&](const Kind &kind) { return kind.name == name; });
    if (known == kinds.end())
      known = kinds.insert(kinds.end(), {name, node.getNodeName().str(), 0});
    ++known->count;
  }
  std::string text;
  for (const Kind &kind : kinds)
    text += (text.empty() ? "" : "; ") + kind.name + " x " + std::to_string(kind.count) +
            ", first '" + kind.first + "'";
  return text;
}

/// Unknown operators first: they are why many of the others are left.
std::string listUnmatched(ArrayRef<lm::OpaqueOp> nodes) {
  SmallVector<lm::OpaqueOp> known, unknown;
  for (lm::OpaqueOp node : nodes)
    (isKnownOperator(node) ? known : unknown).push_back(node);
  if (unknown.empty())
    return list(known);
  std::string text = "unknown operators " + list(unknown);
  return known.empty() ? text : text + "; behind them or in no known pattern " + list(known);
}

/// Attention in single operators is told from the shape of its cache, which must not be open.
void noteOpenCaches(func::FuncOp program, InFlightDiagnostic &error) {
  for (BlockArgument argument : program.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (roleOf(argument) != Role::Past || !type || type.getRank() != 4 ||
        !(type.isDynamicDim(1) || type.isDynamicDim(3)))
      continue;
    error.attachNote() << "cache input '" << argumentName(program, argument.getArgNumber())
                       << "' leaves its heads or head size open (" << type
                       << "): export the model with [batch, heads, past, head_dim] of fixed "
                          "'heads' and 'head_dim'";
    return;
  }
}

LogicalResult verifyRaised(RaiseStep &step, StringRef reportFile) {
  eraseDeadNodes(step.program);
  SmallVector<lm::OpaqueOp> nodes(step.nodes());
  for (lm::OpaqueOp node : nodes)
    step.report.unmatched.push_back({node.getDomain().str(), node.getOpType().str(),
                                     node.getNodeName().str(), int64_t(node.getVersion())});
  if (!reportFile.empty() && failed(writeReport(step.module, step.report, reportFile)))
    return failure();
  if (step.report.unmatched.empty())
    return success();
  InFlightDiagnostic error = step.program.emitError()
                             << step.report.unmatched.size()
                             << " ONNX nodes are not understood: " << listUnmatched(nodes)
                             << ". Export the model with one of the known exporters, or add a "
                                "raising pass for them";
  noteOpenCaches(step.program, error);
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
