// Roles of the program's arguments while it is raised, and its position.
#pragma once

#include "dialects/Lm/Lm.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace llmc::passes {

/// Argument and result attribute with the file's name of an input or output.
inline constexpr llvm::StringLiteral nameAttribute = "lm.name";
/// Argument attribute that llmc-raise-inputs sets.
inline constexpr llvm::StringLiteral roleAttribute = "lm.role";
/// Module attribute: the model's context length.
inline constexpr llvm::StringLiteral contextAttribute = "lm.context";

enum class Role { None, Tokens, Position, Ids, Mask, Positions, Past };

Role roleOf(mlir::Value value);
void setRole(mlir::func::FuncOp function, unsigned argument, Role role);

/// The argument of this role, or null.
mlir::Value argumentOf(mlir::func::FuncOp function, Role role);

/// The file's name of an argument or result, or "".
llvm::StringRef argumentName(mlir::func::FuncOp function, unsigned argument);
llvm::StringRef resultName(mlir::func::FuncOp function, unsigned result);

/// The function to raise: the module's only function that is not a declaration. Null, with a
/// diagnostic, where there is none or more than one.
mlir::func::FuncOp programOf(mlir::ModuleOp module);

/// Context length: `option` where it is not 0, otherwise the module's attribute, otherwise an
/// error.
mlir::FailureOr<int64_t> contextOf(mlir::ModuleOp module, int64_t option);

/// `[1, tokens, channels]` as `[tokens, channels]`, and back to `type`. Going back and forth folds.
mlir::Value dropBatch(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                      int64_t channels);
mlir::Value addBatch(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                     mlir::Type type);

/// Replaces every `dropBatch` of an `addBatch` by the rows.
void foldBatchBridges(mlir::func::FuncOp program);

/// The rows behind a value that llmc has raised: the source of its `addBatch`, or null.
mlir::Value rowsBehind(mlir::Value value);

} // namespace llmc::passes
