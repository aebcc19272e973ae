// Rows of a table of packed weights, by token id, as fp32.
//
// A row is one lane of its block: 4 bytes of every 64, of which 8 columns are decoded at a time, a
// number that divides every group.
#include "targets/Llvm/X86Linear.h"

#include <fmt/format.h>

namespace llmc::target {

using llvm::Value;

namespace {

constexpr uint32_t step = X86WeightLayout::groupUnit;

class EmbedEmitter {
public:
  EmbedEmitter(Emitter &emitter, const EmbedRows &rows, const std::vector<KernelOperand> &operands,
               const X86WeightLayout &layout)
      : e(emitter), ir(emitter.ir), numerics(emitter.ir), rows(rows), operands(operands),
        layout(layout) {}

  void run() {
    const auto [first, end] = e.share(e.extent(rows.tokens));
    e.loop(first, end, 1, [&](Value *token) { one(token); });
  }

private:
  Value *rowOf(unsigned operand, Value *token) {
    return e.rowOf(operand, operands[operand].tokenStride, 0, 1, token);
  }

  void one(Value *token) {
    Value *id =
        ir.CreateZExt(ir.CreateLoad(ir.getInt32Ty(), rowOf(embed::Ids, token)), ir.getInt64Ty());
    block = e.at(e.operand(embed::Table),
                 ir.CreateMul(ir.CreateLShr(id, e.i64(4)), e.i64(layout.blockBytes)));
    lane = ir.CreateAnd(id, e.i64(15));
    out = rowOf(embed::Out, token);
    const uint32_t whole = layout.columns / step * step;
    e.loop(e.i64(0), e.i64(whole), step, [&](Value *column) {
      ir.CreateAlignedStore(numbers(column), outputAt(column), llvm::Align(4));
    });
    if (whole == layout.columns)
      return;
    llvm::SmallVector<llvm::Constant *, step> exists;
    for (uint32_t i = 0; i < step; ++i)
      exists.push_back(ir.getInt1(whole + i < layout.columns));
    Value *column = e.i64(whole);
    ir.CreateMaskedStore(numbers(column), outputAt(column), llvm::Align(4),
                         llvm::ConstantVector::get(exists));
  }

  Value *outputAt(Value *column) { return e.at(out, ir.CreateShl(column, 2)); }

  /// 4 bytes of this row.
  Value *four(Value *byte) {
    llvm::Type *bytes = e.vector(ir.getInt8Ty(), 4);
    return ir.CreateAlignedLoad(bytes, e.at(e.at(block, byte), ir.CreateShl(lane, 2)),
                                llvm::Align(4));
  }

  /// The codes of 8 columns, as bytes.
  Value *codes(Value *column) {
    Value *low, *high;
    if (layout.format.element == ElementType::I8) {
      Value *byte = ir.CreateShl(column, 4);
      low = four(byte);
      high = four(ir.CreateAdd(byte, e.i64(64)));
    } else {
      Value *both = four(ir.CreateShl(column, 3));
      low = ir.CreateAnd(both, e.splat(ir.getInt8(15), 4));
      high = ir.CreateLShr(both, e.splat(ir.getInt8(4), 4));
    }
    return ir.CreateShuffleVector(low, high, {0, 1, 2, 3, 4, 5, 6, 7});
  }

  Value *multiplier(Value *group) {
    Value *byte = ir.CreateAdd(ir.CreateShl(ir.CreateLShr(group, e.i64(1)), 4), lane);
    Value *pair =
        ir.CreateLoad(ir.getInt8Ty(), e.at(block, ir.CreateAdd(byte, e.i64(layout.multipliers))));
    Value *shift = ir.CreateShl(ir.CreateAnd(ir.CreateTrunc(group, ir.getInt32Ty()), 1), 2);
    Value *word = ir.CreateLShr(ir.CreateZExt(pair, ir.getInt32Ty()), shift);
    return ir.CreateAdd(ir.CreateAnd(word, 15), ir.getInt32(1));
  }

  Value *scale(Value *group) {
    const bool halves = layout.format.scale == ScaleKind::F16Group;
    Value *index = lane;
    if (layout.scaledByGroup())
      index = ir.CreateAdd(ir.CreateShl(group, 4), lane);
    Value *at = e.at(e.at(block, layout.scales), ir.CreateShl(index, halves ? 1 : 2));
    if (!halves)
      return ir.CreateLoad(ir.getFloatTy(), at);
    return numerics.fromHalfBits(ir.CreateLoad(ir.getInt16Ty(), at), e.isa.halfConversion);
  }

  Value *numbers(Value *column) {
    Value *group = ir.CreateUDiv(column, e.i64(layout.groupSize));
    Value *values = ir.CreateZExt(codes(column), e.vector(ir.getInt32Ty(), step));
    values = ir.CreateSub(values, e.splat(ir.getInt32(layout.bias()), step));
    if (layout.hasMultipliers())
      values = ir.CreateMul(values, e.splat(multiplier(group), step));
    values = ir.CreateSIToFP(values, e.vector(ir.getFloatTy(), step));
    return ir.CreateFMul(values, e.splat(scale(group), step));
  }

  Emitter &e;
  llvm::IRBuilder<> &ir;
  NumericsIr numerics;
  const EmbedRows &rows;
  const std::vector<KernelOperand> &operands;
  const X86WeightLayout &layout;
  Value *block = nullptr, *lane = nullptr, *out = nullptr; ///< Of the token at hand.
};

} // namespace

bool emitX86EmbedRows(llvm::Module &module, const IsaTable &isa, const std::string &name,
                      const EmbedRows &rows, const std::vector<KernelOperand> &operands,
                      std::string &error) {
  const auto layout = X86WeightLayout::of(rows.format, rows.columns, error);
  if (!layout)
    return false;
  if (isa.dot == DotKind::None || rows.gathered || operands.size() != 3 ||
      operands[embed::Ids].type != ElementType::I32 ||
      operands[embed::Table].type != rows.format.element ||
      operands[embed::Out].type != ElementType::F32) {
    error = "embedding rows: needs an x86-64 instruction set, ids (i32), a table of the format's "
            "elements and rows (f32)";
    return false;
  }
  Emitter emitter(module, isa, name, operands);
  EmbedEmitter(emitter, rows, operands, *layout).run();
  emitter.finish();
  return true;
}

} // namespace llmc::target
