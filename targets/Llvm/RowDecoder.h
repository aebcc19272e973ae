// Elements, multipliers and scales of one row of packed weights.
#pragma once

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/Layout/RowWeightLayout.h"
#include "targets/Llvm/NumericsIr.h"

#include <array>

namespace llmc::target {

class RowDecoder {
public:
  RowDecoder(Emitter &emitter, const RowWeightLayout &layout)
      : e(emitter), numerics(emitter.ir), layout(layout) {}

  /// The elements of a unit, 2 x <16 x i8>: its first 16 columns and its last.
  std::array<llvm::Value *, 2> unit(llvm::Value *row, llvm::Value *unit);
  /// Element `index` of each half, as i32.
  std::array<llvm::Value *, 2> pair(llvm::Value *row, llvm::Value *unit, unsigned index);
  /// 1 ... 16, as i32.
  llvm::Value *multiplier(llvm::Value *row, llvm::Value *group);
  /// Of a group, or of the row.
  llvm::Value *scale(llvm::Value *row, llvm::Value *group);

private:
  Emitter &e;
  NumericsIr numerics;
  const RowWeightLayout &layout;
};

/// Brings a row of int8 to whole units: in place where its columns are, else copied to the stack
/// with zeros behind.
class WholeUnits {
public:
  WholeUnits(Emitter &emitter, uint32_t columns);
  llvm::Value *of(llvm::Value *row);

private:
  Emitter &e;
  uint32_t columns;
  llvm::Value *copy = nullptr;
};

} // namespace llmc::target
