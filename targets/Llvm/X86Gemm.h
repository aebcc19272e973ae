// Linear for many rows.
//
// For a few blocks of 16 outputs and about a thousand columns at a time, weights become codes of
// bytes on the stack (bytes are used where they lie), which then meet every panel of rows from the
// nearest cache. Between such runs of columns an output holds its unfinished sum: int32, or fp32
// where groups have their own scale.
#pragma once

#include "targets/Llvm/X86Linear.h"

namespace llmc::target {

class X86Gemm : private X86Linear {
public:
  explicit X86Gemm(const X86Linear &linear);
  void run();

  /// Whether the codes of the smallest run of columns fit the stack. Any single row does.
  static bool fits(const X86WeightLayout &layout, uint64_t rows, std::string &error);

private:
  /// The blocks and columns that are worked on at a time.
  struct Run {
    llvm::Value *index = nullptr; ///< Of the first block.
    unsigned blocks = 1;
    llvm::Value *first = nullptr, *end = nullptr; ///< Columns.
    llvm::SmallVector<llvm::Value *, 4> weights,
        codes; ///< By block: where it starts; its codes of column `first`.
    llvm::Value *isFirst = nullptr, *isLast = nullptr; ///< Of the output's runs.
  };
  using Sums = llvm::SmallVector<llvm::Value *, 32>; ///< [row][block]

  static uint32_t runColumns(const X86WeightLayout &layout);
  void blocks(llvm::Value *index, unsigned count);
  void decode(const Run &run, unsigned block);
  llvm::Value *decodedCodes(llvm::Value *from, llvm::Value *column, llvm::Value *weights,
                            bool half);
  /// The bias of the codes that products see.
  uint32_t bias() const { return layout.hasMultipliers() ? 128 : layout.bias(); }

  /// All products of one run with rows [row, row + height).
  void vectorUnit(const Run &run, llvm::Value *row);
  Sums columnSums(const Run &run, llvm::Value *activations, llvm::Value *first, llvm::Value *end,
                  Sums sums);
  Sums groupSums(const Run &run, llvm::Value *row, llvm::Value *activations);
  void tileUnit(const Run &run, llvm::Value *row);
  void configureTiles();

  llvm::Value *panelOf(llvm::Value *row);
  llvm::Value *activationSum(llvm::Value *row, llvm::Value *group);
  llvm::Value *unfinished(llvm::Value *row, llvm::Value *block, llvm::Type *element);
  /// Adds what earlier runs left and finishes, or leaves, the int32 sums of one row.
  void finishRow(const Run &run, llvm::Value *row, llvm::ArrayRef<llvm::Value *> sums);
  void put(llvm::Value *value, llvm::Value *row, llvm::Value *block);

  X86PackedRows packed;
  unsigned height; ///< Rows of a unit.
  unsigned width;  ///< Blocks of a unit.
  llvm::Value *rows = nullptr, *decoded = nullptr, *tileSums = nullptr;
};

} // namespace llmc::target
