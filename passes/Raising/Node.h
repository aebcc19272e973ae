// Reading lm.opaque nodes: which operator, which attributes, which inputs.
#pragma once

#include "dialects/Lm/Lm.h"

#include <optional>

namespace llmc::passes {

/// Domain of ONNX Runtime's own operators.
inline constexpr llvm::StringLiteral microsoftDomain = "com.microsoft";

/// The node of this operator, or null. The standard domain is the empty string. A node with fewer
/// inputs than its operator needs, or none of its results, is not understood as that operator.
lm::OpaqueOp asNode(mlir::Operation *op, llvm::StringRef type, llvm::StringRef domain = "");

/// The node of this operator that defines `value`, or null.
lm::OpaqueOp definingNode(mlir::Value value, llvm::StringRef type, llvm::StringRef domain = "");

/// The input, or null where the node has none there.
mlir::Value inputOf(lm::OpaqueOp node, unsigned index);

int64_t intAttribute(lm::OpaqueOp node, llvm::StringRef name, int64_t otherwise);
double floatAttribute(lm::OpaqueOp node, llvm::StringRef name, double otherwise);
std::optional<llvm::SmallVector<int64_t>> intsAttribute(lm::OpaqueOp node, llvm::StringRef name);

/// The two operands of a commutative node `type`, the one `first` accepts in front; nothing where
/// `value` is no such node or neither operand is accepted.
std::optional<std::pair<mlir::Value, mlir::Value>>
matchCommutative(mlir::Value value, llvm::StringRef type,
                 llvm::function_ref<bool(mlir::Value)> first);

/// How messages name a node: its name, or its operator where it has none.
std::string describe(lm::OpaqueOp node);

/// The node that defines a value, or what else it is, for messages.
std::string describe(mlir::Value value);

/// Erases nodes, casts and reads of weights that nothing uses.
void eraseDeadNodes(mlir::Operation *function);

} // namespace llmc::passes
