// --import-onnx: reading a model file where MLIR text is read otherwise.
#pragma once

#include "mlir/IR/DialectRegistry.h"

/// Imports the model, runs the passes of the command line on it and prints the result to `output`;
/// weights are elided. The command line has been parsed.
mlir::LogicalResult runOnImportedModel(llvm::StringRef model, llvm::StringRef output,
                                       mlir::DialectRegistry &registry);
