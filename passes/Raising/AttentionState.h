// The cache while attention is raised: its arguments and results, and lm.attention on @kv.
#pragma once

#include "passes/Raising/RaisePass.h"

namespace llmc::passes {

/// Symbol of the program's key/value state.
inline constexpr llvm::StringLiteral kvStateName = "kv";

struct AttentionShape {
  int64_t heads = 0, kvHeads = 0, headDim = 0;
};

/// Creates lm.attention layer by layer, and the state that all layers share.
class AttentionEmitter {
public:
  AttentionEmitter(RaiseStep &step, int64_t capacity) : step(step), capacity(capacity) {}

  /// All layers must have the same cache.
  bool check(const AttentionShape &shape, Attempt &attempt);
  mlir::Value emit(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value q, mlir::Value k,
                   mlir::Value v, const AttentionShape &shape, float scale);

private:
  RaiseStep &step;
  int64_t capacity;
};

/// The caches of a layer: what went in and what comes out.
struct CachePair {
  mlir::Value past, present;
};

/// True where `past` is a cache argument and `present` nothing but the result that returns to it.
bool checkCache(RaiseStep &step, const CachePair &cache, Attempt &attempt);

/// Removes the results that return `present`.
void dropCacheResult(RaiseStep &step, const CachePair &cache);

/// 1/sqrt(head_dim) where the scale is within 2 ulp of the constants' precision, reported as a snap
/// where it differs at all;
/// otherwise the scale.
float snapScale(RaiseStep &step, float scale, int64_t headDim, llvm::StringRef node);

} // namespace llmc::passes
