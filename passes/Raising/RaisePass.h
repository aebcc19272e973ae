// What the raising passes share: the program, the report, and running one step on it.
#pragma once

#include "passes/Raising/Node.h"
#include "passes/Raising/Probe.h"
#include "passes/Raising/ProgramInputs.h"
#include "passes/Raising/RaiseReport.h"

#include <memory>

namespace llmc::passes {

/// Mixed into every raising pass. A pass that runs alone reports to itself.
struct Reporting {
  std::shared_ptr<RaiseReport> report = std::make_shared<RaiseReport>();
};

/// One raising step: the program and where to report.
struct RaiseStep {
  mlir::ModuleOp module;
  mlir::func::FuncOp program;
  RaiseReport &report;

  /// All nodes of the program, in order.
  llvm::SmallVector<lm::OpaqueOp> nodes() {
    return llvm::to_vector(program.getBody().front().getOps<lm::OpaqueOp>());
  }
};

/// Runs `step` on the module's program and erases what became dead. Nothing is erased before the
/// step ends, so values keep their identity for probes.
mlir::LogicalResult runStep(mlir::ModuleOp module, RaiseReport &report,
                            llvm::function_ref<mlir::LogicalResult(RaiseStep &)> step);

/// The pass `PassClass` with its options, reporting to `report`.
template <class PassClass, class... Options>
std::unique_ptr<mlir::Pass> withReport(std::shared_ptr<RaiseReport> report,
                                       const Options &...options) {
  auto pass = std::make_unique<PassClass>(options...);
  pass->report = std::move(report);
  return pass;
}

/// The value has this shape at every probe and is computed from token ids: an activation.
bool isActivation(llvm::ArrayRef<Probe> probes, mlir::Value value);

/// Channels of a `[1, tokens, channels]` activation, the same at every probe; 0 where it is none.
int64_t channelsOf(llvm::ArrayRef<Probe> probes, mlir::Value value);

/// The scalar constant behind a value.
std::optional<float> scalarConstant(llvm::ArrayRef<Probe> probes, mlir::Value value);

/// Replaces a `[1, tokens, channels]` value by `rows`, for the probes as well.
void replaceByRows(llvm::MutableArrayRef<Probe> probes, mlir::OpBuilder &builder, mlir::Value value,
                   mlir::Value rows);

/// The only node that uses a value, or null.
lm::OpaqueOp soleUser(mlir::Value value);

} // namespace llmc::passes
