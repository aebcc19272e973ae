#include "targets/Llvm/FusedBlock.h"

namespace llmc::target {

using llvm::Value;

void FusedBlock::begin(Value *from, Value *last) {
  first = from;
  end = endOf(last);
  positions = visibleOf(ir.CreateSub(end, e.i64(1)));
  recordBytes = bytesOfRecord(positions);
}

Value *FusedBlock::visibleOf(Value *row) {
  return ir.CreateAdd(ir.CreateAdd(position, tokenOf(row)), e.i64(1));
}

Value *FusedBlock::recordOf(Value *row) {
  return e.at(arena, ir.CreateMul(ir.CreateSub(row, first), recordBytes));
}

Value *FusedBlock::existing(Value *row, unsigned next) {
  return e.smaller(ir.CreateAdd(row, e.i64(next)), ir.CreateSub(end, e.i64(1)));
}

Value *FusedBlock::bytesOfRecord(Value *visible) {
  constexpr uint64_t unit = FusedShape::scoresAlignment;
  Value *scores = ir.CreateAdd(ir.CreateShl(visible, 2), e.i64(unit - 1));
  return ir.CreateAdd(ir.CreateAnd(scores, e.i64(-unit)), e.i64(shape.scores));
}

/// All records are as long as the last of them needs. As many rows as have room where n rows end
/// are no fewer than fit if n fit, and fit if n do not.
Value *FusedBlock::endOf(Value *last) {
  const auto roomAfter = [&](Value *rows) {
    Value *after = e.smaller(ir.CreateAdd(first, rows), last);
    Value *bytes = bytesOfRecord(visibleOf(ir.CreateSub(after, e.i64(1))));
    return ir.CreateUDiv(e.i64(shape.arenaBytes()), bytes);
  };
  Value *rows = roomAfter(ir.CreateSub(last, first));
  for (unsigned round = 0; round < 2; ++round)
    rows = roomAfter(roomAfter(rows));
  Value *even = ir.CreateSub(rows, ir.CreateURem(rows, e.i64(shape.height)));
  rows = ir.CreateSelect(ir.CreateICmpULT(rows, e.i64(shape.height)), rows, even, "blockRows");
  return e.smaller(ir.CreateAdd(first, rows), last);
}

void FusedBlock::units(Value *seen, Units body) {
  Value *token = ir.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, seen, position);
  Value *begin = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umax, first,
                                          ir.CreateMul(token, e.i64(shape.subRows)));
  Value *lowFirst = ir.CreateSub(end, lowRows(ir.CreateSub(end, begin)));
  Value *high = ir.CreateUDiv(ir.CreateSub(lowFirst, begin), e.i64(shape.height));
  e.loop(begin, lowFirst, shape.height, [&](Value *row) {
    body(row, shape.height, ir.CreateUDiv(ir.CreateSub(row, begin), e.i64(shape.height)));
  });
  e.loop(lowFirst, end, shape.lowHeight, [&](Value *row) {
    Value *low = ir.CreateUDiv(ir.CreateSub(row, lowFirst), e.i64(shape.lowHeight));
    body(row, shape.lowHeight, ir.CreateAdd(high, low));
  });
}

/// Of `rows`, those at the end that low units take: what high ones leave over, if it fits one, or
/// fills two with one high unit less.
Value *FusedBlock::lowRows(Value *rows) {
  Value *over = ir.CreateURem(rows, e.i64(shape.height));
  Value *fits = ir.CreateICmpULE(over, e.i64(shape.lowHeight));
  Value *low = ir.CreateSelect(fits, over, e.i64(0));
  const unsigned two = 2 * shape.lowHeight;
  if (two <= shape.height)
    return low;
  Value *fills = ir.CreateAnd(ir.CreateICmpEQ(over, e.i64(two - shape.height)),
                              ir.CreateICmpUGE(rows, e.i64(two)));
  return ir.CreateSelect(fills, e.i64(two), low);
}

} // namespace llmc::target
