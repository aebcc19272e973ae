// Turns an ONNX model into a module of lm.weight and lm.opaque operations.
#pragma once

#include "compiler/Import/Onnx/OnnxReader.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace llmc {

/// A module and the file that it was read from. The bytes of the weights stay mapped as long as the
/// module's context lives, with or without this object.
struct ImportedModel {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::shared_ptr<const onnx::OnnxFile> file;
};

/// Reads `path`. Every initializer becomes an lm.weight of its name whose resource refers to the
/// mapped file (a copy only where an inline constant is not aligned for its element type), every
/// node an lm.opaque in the function @main. Arguments and results carry `lm.name`, and `lm.dims`
/// where the file names or fixes dimensions. Results are unranked; their element type is the file's
/// where it states one, otherwise it follows from the operator.
///
/// Attributes become i64, f32, string, array<i64>, array<f32>, arrays of strings or of constants,
/// and elements; a subgraph or a type becomes `unit`.
///
/// Fails with one diagnostic on the context.
mlir::FailureOr<ImportedModel> importOnnx(llvm::StringRef path, mlir::MLIRContext &context);

} // namespace llmc
