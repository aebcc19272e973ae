// A block of rows of one KV head: as many as their records fit the stack, where those lie, and
// which rows see what.
#pragma once

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/Layout/FusedShape.h"

namespace llmc::target {

class FusedBlock {
public:
  /// Calls body for rows [row, row + height), of which those from `end` on do not exist; units have
  /// numbers from 0 on.
  using Units = llvm::function_ref<void(llvm::Value *row, unsigned height, llvm::Value *number)>;

  FusedBlock(Emitter &emitter, const FusedShape &shape, llvm::Value *position, llvm::Value *arena)
      : e(emitter), ir(emitter.ir), shape(shape), position(position), arena(arena) {}

  /// The block that begins at row `from` of those before `last`.
  void begin(llvm::Value *from, llvm::Value *last);

  llvm::Value *tokenOf(llvm::Value *row) { return ir.CreateUDiv(row, e.i64(shape.subRows)); }
  /// Positions that a row sees.
  llvm::Value *visibleOf(llvm::Value *row);
  llvm::Value *recordOf(llvm::Value *row);
  /// Row + next, or the last.
  llvm::Value *existing(llvm::Value *row, unsigned next);
  /// Rows that see a position, in units.
  void units(llvm::Value *seen, Units body);

  llvm::Value *first = nullptr, *end = nullptr;
  llvm::Value *positions = nullptr; ///< That the last row sees.

private:
  /// FusedShape::recordBytes() as IR. A single row fits by that one: they must agree, or endOf()
  /// finds no rows, or more than fit.
  llvm::Value *bytesOfRecord(llvm::Value *visible);
  llvm::Value *endOf(llvm::Value *last);
  llvm::Value *lowRows(llvm::Value *rows);

  Emitter &e;
  llvm::IRBuilder<> &ir;
  const FusedShape &shape;
  llvm::Value *position, *arena;
  llvm::Value *recordBytes = nullptr;
};

} // namespace llmc::target
