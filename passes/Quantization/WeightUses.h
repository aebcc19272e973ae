// The places of a raised program that read a weight which can be quantized.
#pragma once

#include "dialects/Lm/Lm.h"
#include "passes/Quantization/Recipe.h"

namespace llmc::passes {

/// An embedding or a linear layer, in fp32 or already quantized.
struct WeightUse {
  mlir::Operation *op = nullptr;
  mlir::Value weight; ///< The table or matrix that `op` reads.
  WeightRole role = WeightRole::None;
  bool quantized = false; ///< The graph brought a grid.
};

/// In program order.
llvm::SmallVector<WeightUse> findWeightUses(mlir::ModuleOp module);

/// The two forms of one format.
lm::FormatAttr toAttribute(mlir::MLIRContext *context, const WeightFormat &format);
WeightFormat fromAttribute(lm::FormatAttr format);

} // namespace llmc::passes
