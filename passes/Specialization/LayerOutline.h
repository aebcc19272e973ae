// Finds the layers of a raised program and groups equal ones.
#pragma once

#include "dialects/Lm/Lm.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace llmc::passes {

/// Consecutive operations of one layer: from the hidden state that enters it to the one that leaves
/// it.
struct Layer {
  llvm::SmallVector<mlir::Operation *> ops; ///< Without constants.
  mlir::Value input, output;
  int64_t index = 0;                    ///< Of its KV cache.
  llvm::SmallVector<lm::GetOp> weights; ///< In order of first use.
  std::string signature;                ///< Equal for layers of equal structure and formats.
};

/// A program cut at its hidden states.
struct LayeredProgram {
  llvm::SmallVector<mlir::Operation *> prologue; ///< Embedding, up to the first layer's input.
  llvm::SmallVector<Layer> layers;
  llvm::SmallVector<mlir::Operation *> head; ///< From the last layer's output to the logits.
};

/// Cuts `@main`. Fails with a diagnostic where the program is no sequence of layers over one hidden
/// state.
mlir::FailureOr<LayeredProgram> findLayers(mlir::func::FuncOp main);

} // namespace llmc::passes
