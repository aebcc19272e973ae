#include "targets/Llvm/FusedProducts.h"

namespace llmc::target {

using llvm::Value;

Value *FusedProducts::loadWide(Value *from, unsigned lanes, bool wide) {
  if (wide)
    return e.ir.CreateAlignedLoad(e.vector(e.ir.getFloatTy()), from, llvm::Align(64));
  llvm::Type *type = e.vector(e.ir.getInt16Ty());
  Value *halves = e.ir.CreateMaskedLoad(type, from, llvm::Align(2), e.firstLanes(e.i64(lanes)),
                                        llvm::Constant::getNullValue(type));
  return numerics.fromHalfBits(halves, e.isa.halfConversion);
}

Emitter::Values FusedProducts::add(const ProductUnit &unit, Value *k,
                                   llvm::ArrayRef<Value *> state) {
  Emitter::Values next(state.begin(), state.end()), b;
  Value *from = e.at(unit.b, e.ir.CreateMul(k, e.i64(unit.kStride)));
  for (unsigned v = 0; v < unit.vectors; ++v)
    b.push_back(loadWide(e.at(from, v * unit.vectorStride),
                         v + 1 == unit.vectors ? unit.lastLanes : kLanes, unit.wide));
  if (unit.ask)
    unit.ask(k);
  for (unsigned row = 0; row < unit.a.size(); ++row) {
    Value *at = e.at(unit.a[row], e.ir.CreateShl(k, 2));
    Value *a = e.splat(e.ir.CreateLoad(e.ir.getFloatTy(), at));
    for (unsigned v = 0; v < unit.vectors; ++v) {
      Value *&sum = next[row * unit.vectors + v];
      sum = e.multiplyAdd(a, b[v], sum);
    }
  }
  return next;
}

Emitter::Values FusedProducts::sums(const ProductUnit &unit, const Emitter::Values &before) {
  const auto common = [&](Value *k, llvm::ArrayRef<Value *> state) { return add(unit, k, state); };
  const Emitter::Values sums = e.loop(unit.firstK, unit.commonEnd, 1, before, common);
  if (unit.ends.empty())
    return sums;
  // A term beyond a row's end is left out, not added as zero: what it would multiply may be
  // infinite.
  const auto rest = [&](Value *k, llvm::ArrayRef<Value *> state) {
    Emitter::Values next = add(unit, k, state);
    for (unsigned i = 0; i < next.size(); ++i) {
      Value *exists = e.ir.CreateICmpULT(k, unit.ends[i / unit.vectors]);
      next[i] = e.ir.CreateSelect(e.splat(exists), next[i], state[i]);
    }
    return next;
  };
  return e.loop(unit.commonEnd, unit.ends.back(), 1, sums, rest);
}

} // namespace llmc::target
