// Scores to weights in place: twice p, which the inverse of their sum cancels. Each step along a
// row, largest() and weigh(), leaves 16 lanes; largestOf() and inverses() join those of 16 rows.
#pragma once

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/NumericsIr.h"

namespace llmc::target {

class FusedSoftmax {
public:
  FusedSoftmax(Emitter &emitter, NumericsIr &numerics)
      : e(emitter), ir(emitter.ir), numerics(numerics) {}

  /// The largest of `visible` scores, aligned to 64, in each of 16 lanes.
  llvm::Value *largest(llvm::Value *scores, llvm::Value *visible);
  /// Of the lanes of 16 rows, by row.
  llvm::Value *largestOf(const Emitter::Values &rows);
  /// Scores become weights; returns the sums of 16 lanes.
  llvm::Value *weigh(llvm::Value *scores, llvm::Value *visible, llvm::Value *largest);
  /// The reciprocals of the sums of 16 rows' lanes, by row.
  llvm::Value *inverses(const Emitter::Values &rows);

private:
  llvm::Value *larger(llvm::Value *x, llvm::Value *y);
  llvm::Value *joinRows(Emitter::Values rows,
                        llvm::function_ref<llvm::Value *(llvm::Value *, llvm::Value *)> join);
  llvm::Value *weighGroup(llvm::Value *at, llvm::Value *most, llvm::Value *lanes);
  llvm::Value *load(llvm::Value *at, llvm::Value *lanes, llvm::Value *other);

  Emitter &e;
  llvm::IRBuilder<> &ir;
  NumericsIr &numerics;
};

} // namespace llmc::target
