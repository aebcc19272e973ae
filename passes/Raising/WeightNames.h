// Canonical names of weights, by their role in the program.
#pragma once

#include "dialects/Lm/Lm.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace llmc::passes {

/// Names every weight that the program reads by its role (`embed`, `layers.0.q`, `final_norm`,
/// `head`, ... with `.scales` and `.bias` behind a layer's), what has no role `weight.N`, and puts
/// them in the order of these names' first use. Weights that nothing reads are erased.
///
/// A weight with two roles has the name of the first: a tied head is `embed`.
void nameWeights(mlir::ModuleOp module, mlir::func::FuncOp program);

/// Makes one symbol of weights that view the same bytes in the same way.
void mergeEqualWeights(mlir::ModuleOp module, mlir::func::FuncOp program);

} // namespace llmc::passes
