// A row of scores to probabilities, in place.
#pragma once

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/NumericsIr.h"

namespace llmc::target {

class FusedSoftmax {
public:
  FusedSoftmax(Emitter &emitter, NumericsIr &numerics)
      : e(emitter), ir(emitter.ir), numerics(numerics) {}

  /// `visible` scores, aligned to 64, become probabilities; returns the reciprocal of their sum.
  llvm::Value *weigh(llvm::Value *scores, llvm::Value *visible);

private:
  llvm::Value *largest(llvm::Value *scores, llvm::Value *visible);
  llvm::Value *weighRun(llvm::Value *at, llvm::Value *lanes, llvm::Value *most);
  llvm::Value *load(llvm::Value *at, llvm::Value *lanes, llvm::Value *other);

  Emitter &e;
  llvm::IRBuilder<> &ir;
  NumericsIr &numerics;
};

} // namespace llmc::target
