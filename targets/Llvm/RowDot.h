// Products of rows of weights with rows of activations by the instruction that a table describes.
//
// A row is read in chunks of two of the instruction's vectors, whatever their width, and several
// rows of weights meet several rows of activations at once. Multipliers are applied to elements,
// which stay int8. Where groups have scales, sums of 16 columns wait on the stack until the whole
// row has been multiplied, so that a group may begin anywhere in a vector.
#pragma once

#include "targets/Llvm/RowDecoder.h"

#include <string>

namespace llmc::target {

class RowDot {
public:
  using Value = llvm::Value;
  using Values = Emitter::Values;

  /// The table's instruction. Errors: no such intrinsic, operands that are not as described.
  static llvm::Function *declare(llvm::Module &module, const IsaTable &isa, std::string &error);
  /// To be made at the start of a function.
  RowDot(Emitter &emitter, const RowWeightLayout &layout, llvm::Function *instruction);

  /// Rows of activations to take at once where there are many.
  unsigned height() const { return mostPairs < kTall ? 1 : kTall; }
  /// Rows of weights to take at once, with the activations at hand.
  unsigned width() const { return std::min<unsigned>(kTall, mostPairs / unsigned(inputs.size())); }

  /// Brings rows of the layout's columns; any alignment.
  void take(llvm::ArrayRef<Value *> rows);
  /// Of the activations at hand with rows of weights: fp32, scaled as the format says.
  std::vector<Values> products(llvm::ArrayRef<Value *> rows);

private:
  using Halves = std::array<Value *, 2>;
  using HalfSums = std::array<Values, 2>;
  using ChunkBody =
      llvm::function_ref<Values(Value *number, bool last, llvm::ArrayRef<Value *> state)>;
  static constexpr unsigned kTall = 4;

  /// A row in memory, and its last chunk where that is short: a copy with zeros behind.
  struct Row {
    Value *start, *tail;
  };

  bool hasNibbles() const { return layout.format.element == ElementType::I4; }
  /// Nibbles are left where they are in their bytes where nothing else asks for their value.
  bool isSixteenfold() const { return hasNibbles() && !layout.hasMultipliers(); }
  Values zeros() const;

  Row weightRow(Value *row, Value *tail);
  Values chunks(const Values &initial, ChunkBody body);
  /// Products of a chunk for all pairs [weights][activations], added to the sums of their half, or
  /// all to the first.
  HalfSums add(Value *number, bool last, HalfSums sums, bool together);
  Halves weightHalves(const Row &row, Value *number, bool last);
  Halves nibbles(Value *bytes);
  Halves inputHalves(const Row &row, Value *number, bool last);
  Halves multipliers(Value *row, Value *number);
  Halves packedMultipliers(Value *row, Value *number, uint32_t count);
  Value *dot(Value *sum, Value *bytes, Value *input);

  Value *total(Value *sums);
  Values byRow();
  Values byGroup();
  void storeSums();
  Value *storedAt(unsigned pair, Value *unit, Value *half);
  Value *groupSum(unsigned pair, Value *group, uint32_t units);
  Values joinGroup(Value *group, uint32_t units, llvm::ArrayRef<Value *> totals);

  Emitter &e;
  llvm::IRBuilder<> &ir;
  RowDecoder decoder;
  const RowWeightLayout &layout;
  llvm::Function *instruction;
  const DotInstruction &described;
  const uint32_t vectorBytes, units, columns; ///< Of a vector; of a chunk.
  const uint32_t whole, rest;                 ///< Chunks of a row; columns behind.
  unsigned mostPairs = 2 * kTall;
  Values inputTails, weightTails, stored;
  llvm::SmallVector<Row, kTall> inputs, weights; ///< At hand.
};

} // namespace llmc::target
