#include "targets/Llvm/FusedPanels.h"

#include "targets/Llvm/TransposeHalves.h"

namespace llmc::target {

using llvm::Value;

/// As many of 16 as there are.
Value *FusedPanels::halves(Value *from, unsigned lanes) {
  llvm::Type *type = e.vector(ir.getInt16Ty());
  return ir.CreateMaskedLoad(type, from, llvm::Align(2), e.firstLanes(e.i64(lanes)),
                             llvm::Constant::getNullValue(type));
}

/// A position that does not exist repeats the last.
void FusedPanels::keys(Value *panel, Value *cached, Value *from, Value *length) {
  const uint64_t stride = operands[attention::Keys].tokenStride;
  Value *last = ir.CreateSub(length, e.i64(1));
  e.loop(e.i64(0), e.i64(shape.vectors), 1, [&](Value *vector) {
    Value *first = ir.CreateAdd(from, ir.CreateMul(vector, e.i64(kLanes)));
    Value *to = e.at(panel, ir.CreateMul(vector, e.i64(shape.groupBytes)));
    Value *whole = ir.CreateICmpULE(ir.CreateAdd(first, e.i64(kLanes)), length);
    e.when(whole, [&] {
      Value *start = e.at(cached, ir.CreateMul(first, e.i64(stride)));
      Emitter::Values rows;
      for (unsigned i = 0; i < kLanes; ++i)
        rows.push_back(e.at(start, i * stride));
      keyGroup(rows, to);
    });
    e.when(ir.CreateAnd(ir.CreateNot(whole), ir.CreateICmpULT(first, length)), [&] {
      Emitter::Values rows;
      for (unsigned i = 0; i < kLanes; ++i) {
        Value *next = ir.CreateAdd(first, e.i64(i));
        Value *existing = e.smaller(next, last);
        rows.push_back(e.at(cached, ir.CreateMul(existing, e.i64(stride))));
      }
      keyGroup(rows, to);
    });
  });
}

/// Keys of 16 positions, whose addresses are given.
void FusedPanels::keyGroup(llvm::ArrayRef<Value *> rows, Value *to) {
  const uint32_t rest = shape.headDim % kLanes, whole = shape.headDim - rest;
  e.loop(e.i64(0), e.i64(whole), kLanes, [&](Value *k) { keySquare(rows, k, kLanes, to); });
  if (rest != 0)
    keySquare(rows, e.i64(whole), rest, to);
}

void FusedPanels::keySquare(llvm::ArrayRef<Value *> rows, Value *k, unsigned lanes, Value *to) {
  const uint64_t bytes = shape.groupBytes / shape.paddedDim(); // Of one k.
  Emitter::Values parts;
  for (Value *row : rows)
    parts.push_back(halves(e.at(row, ir.CreateShl(k, 1)), lanes));
  const Emitter::Values columns = transposeHalves(ir, parts);
  Value *at = e.at(to, ir.CreateMul(k, e.i64(bytes)));
  for (unsigned i = 0; i < columns.size(); ++i)
    storeKeys(columns[i], e.at(at, 2 * i * bytes));
}

/// The same elements of 16 positions, of two neighbouring k.
void FusedPanels::storeKeys(Value *pair, Value *at) {
  if (!shape.wide) {
    ir.CreateAlignedStore(pair, at, llvm::Align(64));
    return;
  }
  for (unsigned k = 0; k < 2; ++k) {
    Value *wide =
        numerics.fromHalfBits(e.slice(pair, int(k * kLanes), kLanes), e.isa.halfConversion);
    ir.CreateAlignedStore(wide, e.at(at, k * kLanes * 4), llvm::Align(64));
  }
}

void FusedPanels::values(Value *panel, Value *cached, Value *firstK, Value *endK) {
  const uint64_t stride = operands[attention::Values].tokenStride;
  e.loop(firstK, endK, 1, [&](Value *k) {
    Value *from = e.at(cached, ir.CreateMul(k, e.i64(stride)));
    Value *index = ir.CreateSub(k, firstK);
    Value *to = e.at(panel, ir.CreateMul(index, e.i64(uint64_t(shape.paddedDim()) * 4)));
    for (uint32_t column = 0; column < shape.headDim; column += kLanes) {
      const unsigned lanes = std::min(shape.headDim - column, uint32_t(kLanes));
      Value *wide =
          numerics.fromHalfBits(halves(e.at(from, column * 2), lanes), e.isa.halfConversion);
      ir.CreateAlignedStore(wide, e.at(to, column * 4), llvm::Align(64));
    }
  });
}

} // namespace llmc::target
