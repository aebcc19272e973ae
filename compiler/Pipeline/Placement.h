// Which device runs what, of a machine whose kernels are dispatched one by one: the targets are
// asked, the passes find the answers as attributes.
#pragma once

#include "compiler/Emit/PlanDevices.h"
#include "dialects/Npu/Npu.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>
#include <vector>

namespace llmc {

/// Rows of programs as kernels know them: chunks have a run-time number of tokens.
std::vector<target::Extent> chunkTokens(const PlanDevices &devices);
std::vector<target::Extent> headTokens(const target::Machine &machine);

/// The linear layer as one kernel. Nothing where no target decodes its format.
std::optional<target::Matmul> productOf(lm::QuantizedLinearOp linear);

/// Marks the operations of the quantized program whose weights the fallback device reads. Weights
/// are packed by whoever multiplies with them, so all operations that share a matrix go together:
/// to the machine where it takes each of them, for every number of rows. `gathers`: rows of tables
/// are gathered from paged weights. Errors: a matrix that neither device takes.
mlir::LogicalResult placeWeights(mlir::ModuleOp module, const PlanDevices &devices, bool gathers);

/// Pass llmc-place-kernels: marks commands without weights that the machine refuses and the
/// fallback device takes. What neither takes is left to the machine, for emission to name.
std::unique_ptr<mlir::Pass> createPlaceKernelsPass(const PlanDevices &devices);

} // namespace llmc
