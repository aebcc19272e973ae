// Linear layers and their activations as x86 code. See X86WeightLayout.h and X86PackedRows.h for
// what lies in memory.
#pragma once

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/Layout/X86PackedRows.h"
#include "targets/Llvm/Layout/X86WeightLayout.h"
#include "targets/Llvm/NumericsIr.h"
#include "targets/Llvm/X86Dot.h"

#include <string>

namespace llmc::target {

/// Adds the function of a Linear. Errors: what X86WeightLayout::of reports, an instruction set
/// without dot products of 8-bit integers, operands that are not those of a Linear, halves of gates
/// that are no whole blocks, groups too large to decode.
bool emitX86Linear(llvm::Module &module, const IsaTable &isa, const std::string &name,
                   const Matmul &matmul, const std::vector<KernelOperand> &operands,
                   std::string &error);

/// Adds the function of PackRows. Errors: as above.
bool emitX86PackRows(llvm::Module &module, const IsaTable &isa, const std::string &name,
                     const PackRows &pack, const std::vector<KernelOperand> &operands,
                     std::string &error);

/// Adds the function of EmbedRows. Errors: as above.
bool emitX86EmbedRows(llvm::Module &module, const IsaTable &isa, const std::string &name,
                      const EmbedRows &rows, const std::vector<KernelOperand> &operands,
                      std::string &error);

/// What the kernels of one Linear share.
class X86Linear {
public:
  X86Linear(Emitter &emitter, const Matmul &matmul, const std::vector<KernelOperand> &operands,
            const X86WeightLayout &layout)
      : e(emitter), ir(emitter.ir), numerics(emitter.ir), dot(emitter), matmul(matmul),
        operands(operands), layout(layout) {}

  void run();

protected:
  Emitter &e;
  llvm::IRBuilder<> &ir;
  NumericsIr numerics;
  X86Dot dot;
  const Matmul &matmul;
  const std::vector<KernelOperand> &operands;
  const X86WeightLayout &layout;

  /// Address of row `row` of an operand.
  llvm::Value *rowOf(unsigned operand, llvm::Value *row);
  llvm::Value *block(llvm::Value *index);
  bool isGated() const { return matmul.epilogue == Epilogue::SiluMul; }
  /// Columns of the output.
  uint32_t outputs() const { return isGated() ? matmul.n.value / 2 : matmul.n.value; }
  /// Blocks of 16 outputs; of gates, the block of ups as many blocks behind belongs to each.
  uint32_t blockCount() const { return (outputs() + 15) / 16; }
  /// 64 codes of 4 columns; of nibbles, `half` picks the first or second 4 of 8.
  llvm::Value *codes(llvm::Value *from, bool half);
  /// The multipliers of a group, 16 x i32.
  llvm::Value *multipliers(llvm::Value *block, llvm::Value *group);
  /// The scales of a group, or of the rows, 16 x float.
  llvm::Value *scales(llvm::Value *block, llvm::Value *group);
  /// acc + float(dots) * scales: the only order of operations there is.
  llvm::Value *accumulate(llvm::Value *acc, llvm::Value *dots, llvm::Value *scales);
  llvm::Value *activationScale(llvm::Value *row);
  /// float(sums) * scales, as a row's only group.
  llvm::Value *scaled(llvm::Value *sums, llvm::Value *scales) {
    return accumulate(e.splat(e.f32(0)), sums, scales);
  }
  /// The columns of block `index` of the output that exist; null where all do.
  llvm::Value *outputLanes(llvm::Value *index);
  llvm::Value *outputAt(llvm::Value *row, llvm::Value *block);
  /// Scales sums by the row's scale and brings them to block `index` of the output: one block of
  /// them, or gates and ups.
  void storeOutput(llvm::ArrayRef<llvm::Value *> sums, llvm::Value *row, llvm::Value *index);
  /// gates * sigmoid(gates) * ups, vectors of any length.
  llvm::Value *gated(llvm::Value *gates, llvm::Value *ups);
  /// Brings 16 outputs to block `index`, or adds them to what is there.
  void storeBlock(llvm::Value *value, llvm::Value *row, llvm::Value *index);

private:
  /// One row over blocks side by side.
  struct RowPass {
    llvm::Value *activations, *starts; ///< Starts: what each group's dot product begins with.
    Emitter::Values blocks;
  };
  void oneRow();
  void outputsOf(llvm::Value *first, llvm::Value *end, RowPass pass);
  Emitter::Values products(const RowPass &pass);
  Emitter::Values addGroup(const RowPass &pass, llvm::Value *group, uint32_t columns,
                           Emitter::Values acc);
  /// How the dot products of 8 columns at a time add up.
  enum class DotSums {
    Plain,  ///< 32 bits.
    Raised, ///< Upper nibbles where they lie, 16 times: one shift for their sum, not one each.
    Pairs,  ///< 16 bits, of neighbouring columns.
  };
  Emitter::Values addColumns(llvm::ArrayRef<llvm::Value *> from, llvm::Value *activations,
                             llvm::Value *column, Emitter::Values sums, DotSums kind);
  Emitter::Values groupDots(llvm::ArrayRef<llvm::Value *> from, llvm::Value *activations,
                            llvm::Value *start, uint32_t columns);
  /// 64 codes of the second 4 of 8 columns, 16 times what they are. Sums still fit 32 bits: half of
  /// the columns, 65,536, times 240 * 128 are less than 2^31.
  llvm::Value *raisedCodes(llvm::Value *from);
};

/// A row of int8, in place where its length is a multiple of 64, else copied to the stack with
/// zeros behind.
class X86RowReader {
public:
  X86RowReader(Emitter &emitter, uint32_t columns);
  llvm::Value *padded(llvm::Value *row);
  /// The sum over `columns` elements from `from` on, a multiple of 8.
  llvm::Value *sum(llvm::Value *from, uint32_t columns);

private:
  Emitter &e;
  uint32_t columns;
  llvm::Value *copy = nullptr;
};

} // namespace llmc::target
