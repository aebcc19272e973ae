#include "targets/Llvm/RowDecoder.h"

namespace llmc::target {

using llvm::Value;

std::array<Value *, 2> RowDecoder::unit(Value *row, Value *unit) {
  llvm::IRBuilder<> &ir = e.ir;
  Value *from = e.at(row, ir.CreateMul(unit, e.index(layout.unitBytes())));
  llvm::Type *half = e.vector(ir.getInt8Ty(), RowWeightLayout::halfUnit);
  Value *first = ir.CreateAlignedLoad(half, from, llvm::Align(16));
  if (layout.format.element == ElementType::I8)
    return {first,
            ir.CreateAlignedLoad(half, e.at(from, RowWeightLayout::halfUnit), llvm::Align(16))};
  return {ir.CreateAShr(ir.CreateShl(first, 4), 4), ir.CreateAShr(first, 4)};
}

std::array<Value *, 2> RowDecoder::pair(Value *row, Value *unit, unsigned index) {
  llvm::IRBuilder<> &ir = e.ir;
  Value *from = e.at(row, ir.CreateMul(unit, e.index(layout.unitBytes())));
  const auto element = [&](unsigned offset) {
    return ir.CreateSExt(ir.CreateLoad(ir.getInt8Ty(), e.at(from, offset)), ir.getInt32Ty());
  };
  if (layout.format.element == ElementType::I8)
    return {element(index), element(RowWeightLayout::halfUnit + index)};
  Value *both = element(index);
  return {ir.CreateAShr(ir.CreateShl(both, 28), 28), ir.CreateAShr(both, 4)};
}

Value *RowDecoder::multiplier(Value *row, Value *group) {
  llvm::IRBuilder<> &ir = e.ir;
  Value *at = e.at(row, ir.CreateAdd(ir.CreateLShr(group, 1), e.index(layout.multipliers)));
  Value *pair = ir.CreateZExt(ir.CreateLoad(ir.getInt8Ty(), at), ir.getInt32Ty());
  Value *shift = ir.CreateShl(ir.CreateAnd(ir.CreateTrunc(group, ir.getInt32Ty()), 1), 2);
  return ir.CreateAdd(ir.CreateAnd(ir.CreateLShr(pair, shift), 15), ir.getInt32(1));
}

Value *RowDecoder::scale(Value *row, Value *group) {
  llvm::IRBuilder<> &ir = e.ir;
  Value *at = e.at(row, layout.scales);
  if (layout.scaledByGroup())
    at = e.at(at, ir.CreateMul(group, e.index(layout.scaleBytes())));
  if (layout.format.scale != ScaleKind::F16Group)
    return ir.CreateLoad(ir.getFloatTy(), at);
  return numerics.fromHalfBits(ir.CreateLoad(ir.getInt16Ty(), at), e.isa.halfConversion);
}

WholeUnits::WholeUnits(Emitter &emitter, uint32_t columns) : e(emitter), columns(columns) {
  const uint32_t unit = RowWeightLayout::unit;
  if (columns % unit != 0)
    copy = e.stack((uint64_t(columns) + unit - 1) / unit * unit);
}

Value *WholeUnits::of(Value *row) {
  if (!copy)
    return row;
  llvm::IRBuilder<> &ir = e.ir;
  const uint32_t last = columns / RowWeightLayout::unit * RowWeightLayout::unit;
  llvm::Type *half = e.vector(ir.getInt8Ty(), RowWeightLayout::halfUnit);
  for (uint32_t at = last; at < last + RowWeightLayout::unit; at += RowWeightLayout::halfUnit)
    ir.CreateAlignedStore(llvm::Constant::getNullValue(half), e.at(copy, at), llvm::Align(16));
  e.loop(e.index(0), e.index(columns), 1, [&](Value *at) {
    ir.CreateStore(ir.CreateLoad(ir.getInt8Ty(), e.at(row, at)), e.at(copy, at));
  });
  return copy;
}

} // namespace llmc::target
