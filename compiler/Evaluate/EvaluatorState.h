// The key/value caches of a session.
#pragma once

#include "dialects/Lm/Lm.h"

#include "llvm/ADT/DenseMap.h"

namespace llmc::evaluate {

/// One lm.kv_state: rows of keys and of values, layer by layer, that grow with the positions.
struct KvCache {
  int64_t layers = 0, channels = 0, capacity = 0;
  unsigned elementBytes = 0;
  std::vector<std::vector<char>> keys, values; ///< By layer; [positions, channels].

  size_t rowBytes() const { return size_t(channels) * elementBytes; }
};

/// What a session carries from one run to the next. Empty at first.
class EvaluatorState {
public:
  /// Caches for every lm.kv_state of the module.
  explicit EvaluatorState(mlir::ModuleOp module);

  /// Positions that hold a token.
  int64_t length() const { return filled; }
  /// Forgets the positions from `positions` on.
  void truncate(int64_t positions) { filled = std::min(filled, positions); }
  /// Positions that fit, INT64_MAX without a cache.
  int64_t capacity() const;

  KvCache *find(mlir::StringAttr symbol);

private:
  friend class Interpreter;

  llvm::DenseMap<mlir::StringAttr, KvCache> caches;
  int64_t filled = 0;
};

} // namespace llmc::evaluate
