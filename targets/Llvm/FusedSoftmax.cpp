#include "targets/Llvm/FusedSoftmax.h"

#include <limits>

namespace llmc::target {

using llvm::Value;

/// Lanes that do not exist are `other`; null: all exist.
Value *FusedSoftmax::load(Value *at, Value *lanes, Value *other) {
  llvm::Type *type = e.vector(ir.getFloatTy());
  if (!lanes)
    return ir.CreateAlignedLoad(type, at, llvm::Align(64));
  return ir.CreateMaskedLoad(type, at, llvm::Align(64), lanes, other);
}

/// Which of two equal zeros is kept makes no difference to what it is subtracted from.
Value *FusedSoftmax::largest(Value *scores, Value *visible) {
  constexpr unsigned chains = 4; // A maximum takes several cycles.
  Value *least = e.splat(e.f32(-std::numeric_limits<float>::infinity()));
  const auto larger = [&](Value *x, Value *y) {
    return ir.CreateSelect(ir.CreateFCmpOGT(x, y), x, y);
  };
  const auto several = [&](Value *column, llvm::ArrayRef<Value *> state) {
    Emitter::Values next;
    for (unsigned i = 0; i < chains; ++i) {
      Value *at = e.at(e.at(scores, ir.CreateShl(column, 2)), i * kLanes * 4);
      next.push_back(larger(load(at, nullptr, least), state[i]));
    }
    return next;
  };
  const auto one = [&](Value *column, llvm::ArrayRef<Value *> state) -> Emitter::Values {
    Value *lanes = e.firstLanes(ir.CreateSub(visible, column));
    return {larger(load(e.at(scores, ir.CreateShl(column, 2)), lanes, least), state[0])};
  };
  Value *whole = ir.CreateAnd(visible, e.i64(-uint64_t(chains * kLanes)));
  const Emitter::Values most =
      e.loop(e.i64(0), whole, chains * kLanes, Emitter::Values(chains, least), several);
  Value *joined = larger(larger(most[0], most[1]), larger(most[2], most[3]));
  joined = e.loop(whole, visible, kLanes, {joined}, one)[0];
  return e.joinLanes(joined, [&](Value *lower, Value *upper) { return larger(upper, lower); });
}

/// Returns what is added to the sum.
Value *FusedSoftmax::weighRun(Value *at, Value *lanes, Value *most) {
  Value *zero = e.splat(e.f32(0.0f));
  Value *weight = numerics.softmaxWeight(ir.CreateFSub(load(at, lanes, zero), most));
  if (!lanes) {
    ir.CreateAlignedStore(weight, at, llvm::Align(64));
    return weight;
  }
  ir.CreateMaskedStore(weight, at, llvm::Align(64), lanes);
  return ir.CreateSelect(lanes, weight, zero);
}

Value *FusedSoftmax::weigh(Value *scores, Value *visible, Value *largest) {
  Value *most = e.splat(largest);
  Value *whole = ir.CreateAnd(visible, e.i64(-uint64_t(kLanes)));
  const auto run = [&](bool partial) {
    return [this, scores, visible, most, partial](Value *column, llvm::ArrayRef<Value *> sum) {
      Value *lanes = partial ? e.firstLanes(ir.CreateSub(visible, column)) : nullptr;
      Value *weight = weighRun(e.at(scores, ir.CreateShl(column, 2)), lanes, most);
      return Emitter::Values{ir.CreateFAdd(sum[0], weight)};
    };
  };
  Value *sum = e.loop(e.i64(0), whole, kLanes, {e.splat(e.f32(0.0f))}, run(false))[0];
  return e.loop(whole, visible, kLanes, {sum}, run(true))[0];
}

Value *FusedSoftmax::inverse(Value *sums) {
  return numerics.recip(
      e.joinLanes(sums, [&](Value *lower, Value *upper) { return ir.CreateFAdd(lower, upper); }));
}

} // namespace llmc::target
