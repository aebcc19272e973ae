// Columns of operands: 16 elements of any type to and from vectors of fp32.
#pragma once

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/NumericsIr.h"

namespace llmc::target {

/// A run of 16 columns from `column` on. `lanes` says which exist; null where all do.
struct Chunk {
  llvm::Value *column = nullptr;
  llvm::Value *lanes = nullptr;
  llvm::Value *rest = nullptr; ///< Columns from here to the row's end, of a chunk with `lanes`.
  bool single = false;         ///< `rest` is known to be 1.
};

class ChainMemory {
public:
  ChainMemory(Emitter &emitter, NumericsIr &numerics) : e(emitter), numerics(numerics) {}

  /// Elements of `row`, +0 where a lane does not exist.
  llvm::Value *load(ElementType type, llvm::Value *row, const Chunk &chunk);
  /// One element per group of columns.
  llvm::Value *loadGroup(ElementType type, llvm::Value *row, uint32_t group, const Chunk &chunk);
  void store(ElementType type, llvm::Value *value, llvm::Value *row, const Chunk &chunk);

private:
  llvm::Value *loadElements(llvm::Type *element, llvm::Value *row, const Chunk &chunk);
  llvm::Value *loadNibbles(llvm::Value *row, const Chunk &chunk);
  llvm::Value *loadOne(ElementType type, llvm::Value *row, llvm::Value *index);

  Emitter &e;
  NumericsIr &numerics;
};

} // namespace llmc::target
