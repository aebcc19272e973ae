// Where elements come from: proofs about reshapes, transposes and expansions by numbers.
#pragma once

#include "passes/Raising/RaisePass.h"

namespace llmc::passes {

/// The factor f with `leaf[index] = f * root[source(index)]` for every index of `shape`, which must
/// be the leaf's; nothing where there is none. What lies between moves elements and multiplies by
/// constants.
std::optional<float> uniformFactor(const Probe &probe, mlir::Value root, mlir::Value leaf,
                                   llvm::ArrayRef<int64_t> shape,
                                   llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> source);

/// Follows the activation operand of moving and scaling nodes back until `stop` holds; null where
/// another kind of node comes first.
mlir::Value walkBack(const Probe &probe, mlir::Value value,
                     llvm::function_ref<bool(mlir::Value)> stop);

/// Index maps between `[1, tokens, heads * dim]` and the forms that attention computes with.
struct HeadLayout {
  int64_t heads = 0, dim = 0;
  /// `[1, heads, tokens, dim]`.
  int64_t headsFirst(llvm::ArrayRef<int64_t> index) const {
    return (index[2] * heads + index[1]) * dim + index[3];
  }
  /// `[1, tokens, heads, dim]`.
  int64_t tokensFirst(llvm::ArrayRef<int64_t> index) const {
    return (index[1] * heads + index[2]) * dim + index[3];
  }
};

} // namespace llmc::passes
