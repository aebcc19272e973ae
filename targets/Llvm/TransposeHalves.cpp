#include "targets/Llvm/TransposeHalves.h"

namespace llmc::target {

using llvm::Value;

/// Both 8 x 8 halves of eight vectors of 16, transposed: three rounds of interleaving rows that are
/// four apart.
static Emitter::Values transposeWords(llvm::IRBuilder<> &ir, Emitter::Values rows) {
  int low[kLanes], high[kLanes];
  for (int i = 0; i < int(kLanes); ++i) {
    const int place = i / 8 * 8 + i % 8 / 2, other = i % 2 * int(kLanes);
    low[i] = place + other;
    high[i] = place + 4 + other;
  }
  for (int round = 0; round < 3; ++round) {
    Emitter::Values next;
    for (unsigned i = 0; i < 4; ++i) {
      next.push_back(ir.CreateShuffleVector(rows[i], rows[i + 4], low));
      next.push_back(ir.CreateShuffleVector(rows[i], rows[i + 4], high));
    }
    rows = next;
  }
  return rows;
}

/// Two neighbouring halves travel as one word and part at the end.
Emitter::Values transposeHalves(llvm::IRBuilder<> &ir, llvm::ArrayRef<Value *> rows) {
  llvm::Type *words = llvm::FixedVectorType::get(ir.getInt32Ty(), kLanes / 2);
  llvm::Type *halves = llvm::FixedVectorType::get(ir.getInt16Ty(), 2 * kLanes);
  int both[kLanes], parted[2 * kLanes];
  for (int i = 0; i < int(kLanes); ++i) {
    both[i] = i;
    parted[i] = 2 * i;
    parted[i + int(kLanes)] = 2 * i + 1;
  }
  Emitter::Values pairs;
  for (unsigned i = 0; i < kLanes / 2; ++i)
    pairs.push_back(ir.CreateShuffleVector(ir.CreateBitCast(rows[i], words),
                                           ir.CreateBitCast(rows[i + kLanes / 2], words), both));
  pairs = transposeWords(ir, pairs);
  for (Value *&pair : pairs)
    pair = ir.CreateShuffleVector(ir.CreateBitCast(pair, halves), parted);
  return pairs;
}

} // namespace llmc::target
