// A row of scores to probabilities, in place, in three steps.
#pragma once

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/NumericsIr.h"

namespace llmc::target {

class FusedSoftmax {
public:
  FusedSoftmax(Emitter &emitter, NumericsIr &numerics)
      : e(emitter), ir(emitter.ir), numerics(numerics) {}

  /// The largest of `visible` scores, aligned to 64.
  llvm::Value *largest(llvm::Value *scores, llvm::Value *visible);
  /// Scores become weights; returns the sums of 16 lanes.
  llvm::Value *weigh(llvm::Value *scores, llvm::Value *visible, llvm::Value *largest);
  /// The reciprocal of the lanes' sum.
  llvm::Value *inverse(llvm::Value *sums);

private:
  llvm::Value *weighGroup(llvm::Value *at, llvm::Value *most, llvm::Value *lanes);
  llvm::Value *load(llvm::Value *at, llvm::Value *lanes, llvm::Value *other);

  Emitter &e;
  llvm::IRBuilder<> &ir;
  NumericsIr &numerics;
};

} // namespace llmc::target
