// The loop both products of attention share: rows of fp32 meet rows of fp16, or what was widened
// from them, one accumulator per output, k ascending, all sums of a unit in registers.
#pragma once

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/NumericsIr.h"

#include <functional>

namespace llmc::target {

/// out[row][column] += a[row][k] * b[k][column] for a few rows and a few vectors of columns.
struct ProductUnit {
  Emitter::Values a;      ///< By row: address of its fp32 at k = 0.
  llvm::Value *b;         ///< Address of the fp16 at k = 0,
  bool wide;              ///< or of fp32, in whole vectors.
  uint64_t kStride;       ///< Bytes of b from k to k + 1.
  uint64_t vectorStride;  ///< Bytes of b from one vector of columns to the next.
  unsigned vectors;       ///< Of columns.
  unsigned lastLanes;     ///< Columns of the last vector, 1 ... kLanes.
  llvm::Value *firstK;    ///< Terms from here,
  llvm::Value *commonEnd; ///< to here for every row,
  Emitter::Values ends;   ///< and to here by row, ascending. Empty: no more.
  /// At each k asks for memory that is read later; may be empty.
  std::function<void(llvm::Value *k)> ask;
};

class FusedProducts {
public:
  FusedProducts(Emitter &emitter, NumericsIr &numerics) : e(emitter), numerics(numerics) {}

  /// The sums [row][vector] after all terms.
  Emitter::Values sums(const ProductUnit &unit, const Emitter::Values &before);

private:
  Emitter::Values add(const ProductUnit &unit, llvm::Value *k, llvm::ArrayRef<llvm::Value *> state);
  llvm::Value *loadWide(llvm::Value *from, unsigned lanes, bool wide);

  Emitter &e;
  NumericsIr &numerics;
};

} // namespace llmc::target
