// Keys and values as all rows of a block meet them.
#pragma once

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/Layout/FusedShape.h"
#include "targets/Llvm/NumericsIr.h"

namespace llmc::target {

class FusedPanels {
public:
  FusedPanels(Emitter &emitter, NumericsIr &numerics, const std::vector<KernelOperand> &operands,
              const FusedShape &shape)
      : e(emitter), ir(emitter.ir), numerics(numerics), operands(operands), shape(shape) {}

  /// Keys of the positions from `from` on that exist, of as many vectors as a unit has:
  /// [vector][k][16 positions]. `length` positions exist.
  void keys(llvm::Value *panel, llvm::Value *cached, llvm::Value *from, llvm::Value *length);
  /// Values of positions [firstK, endK) as fp32 in whole vectors: [position][column].
  void values(llvm::Value *panel, llvm::Value *cached, llvm::Value *firstK, llvm::Value *endK);

private:
  void keyGroup(llvm::ArrayRef<llvm::Value *> rows, llvm::Value *to);
  void keySquare(llvm::ArrayRef<llvm::Value *> rows, llvm::Value *k, unsigned lanes,
                 llvm::Value *to);
  void storeKeys(llvm::Value *halves, llvm::Value *at);
  llvm::Value *halves(llvm::Value *from, unsigned lanes);

  Emitter &e;
  llvm::IRBuilder<> &ir;
  NumericsIr &numerics;
  const std::vector<KernelOperand> &operands;
  const FusedShape &shape;
};

} // namespace llmc::target
