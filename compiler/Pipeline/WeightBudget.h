// How much memory a machine leaves for weights that it reads page by page.
#pragma once

#include "compiler/Emit/PlanDevices.h"

#include "mlir/IR/BuiltinOps.h"

namespace llmc {

/// Bytes for weights in the memory of `state`, on a machine whose weights lie in flash without
/// addresses: what the KV cache and the results leave, less an eighth for code and activations,
/// which are measured when they are there. Errors: nothing is left.
mlir::FailureOr<uint64_t> weightBudgetOf(mlir::ModuleOp module, const PlanDevices &devices);

} // namespace llmc
