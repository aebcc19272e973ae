// Rows of causal attention to parts, so that each sees as many positions as any other.
#pragma once

#include "targets/Llvm/Emitter.h"

namespace llmc::target {

class CausalShares {
public:
  struct Rows {
    llvm::Value *position, *tokens; ///< tokens is not 0.
    llvm::Value *headRows;          ///< tokens * subRows, of one KV head.
    uint32_t subRows, kvHeads;
  };
  CausalShares(Emitter &emitter, const Rows &rows);

  /// The range of this part: KV head * headRows + token * subRows + sub-row.
  std::pair<llvm::Value *, llvm::Value *> rows() const;

private:
  llvm::Value *workBefore(llvm::Value *row) const;
  llvm::Value *rowAt(llvm::Value *work) const;
  llvm::Value *boundary(llvm::Value *part) const;

  Emitter &e;
  llvm::IRBuilder<> &ir;
  const Rows of;
  llvm::Value *headWork;
};

} // namespace llmc::target
