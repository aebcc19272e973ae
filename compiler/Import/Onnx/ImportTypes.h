// Types and constants of ONNX as those of MLIR.
#pragma once

#include "compiler/Import/Onnx/OnnxReader.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace llmc::onnx {

/// The element type, or null where MLIR has none. Unsigned integers keep their signedness (ui8).
mlir::Type elementType(ElementType type, mlir::MLIRContext *context);

/// The type of a graph's input: ranked where the file states a shape. Null where it has no type.
mlir::Type valueType(const ValueInfo &value, mlir::MLIRContext *context);

/// The dimensions as strings, empty for one that has neither size nor name. Null without a shape.
mlir::ArrayAttr dimNames(const ValueInfo &value, mlir::Builder &builder);

/// Constants above this many bytes stay in the file, smaller ones are printed with the program.
constexpr size_t inlineBytes = 4096;

/// The constant as a resource that refers to the file, named after it. `file` is kept alive by the
/// resource. Null where MLIR has no such element type.
mlir::ElementsAttr resourceOf(const Tensor &tensor, llvm::StringRef name,
                              std::shared_ptr<const OnnxFile> file, mlir::MLIRContext *context);

/// The constant by value where it is small, as a resource otherwise.
mlir::ElementsAttr constantOf(const Tensor &tensor, llvm::StringRef name,
                              std::shared_ptr<const OnnxFile> file, mlir::MLIRContext *context);

/// The element type of an operator's results, from that of its inputs and its attributes.
mlir::Type resultElementType(const Node &node, llvm::ArrayRef<mlir::Type> inputs,
                             unsigned resultIndex, mlir::MLIRContext *context);

} // namespace llmc::onnx
