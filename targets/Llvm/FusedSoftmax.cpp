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
Value *FusedSoftmax::larger(Value *x, Value *y) {
  return ir.CreateSelect(ir.CreateFCmpOGT(x, y), x, y);
}

Value *FusedSoftmax::largest(Value *scores, Value *visible) {
  constexpr unsigned chains = 4; // A maximum takes several cycles.
  Value *least = e.splat(e.f32(-std::numeric_limits<float>::infinity()));
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
  return e.loop(whole, visible, kLanes, {joined}, one)[0];
}

/// As Emitter::joinLanes() does with each: a vector of 2 * half lanes of some rows and one of as
/// many others become one of half the lanes of all.
Value *FusedSoftmax::joinRows(Emitter::Values rows,
                              llvm::function_ref<Value *(Value *, Value *)> join) {
  for (unsigned half = kLanes / 2; half != 0; half /= 2) {
    llvm::SmallVector<int, kLanes> lower, upper;
    for (unsigned i = 0; i < kLanes; ++i) {
      lower.push_back(int(i / half * 2 * half + i % half));
      upper.push_back(lower.back() + int(half));
    }
    Emitter::Values next;
    for (unsigned i = 0; i < rows.size(); i += 2)
      next.push_back(join(ir.CreateShuffleVector(rows[i], rows[i + 1], lower),
                          ir.CreateShuffleVector(rows[i], rows[i + 1], upper)));
    rows = next;
  }
  return rows[0];
}

Value *FusedSoftmax::largestOf(const Emitter::Values &rows) {
  return joinRows(rows, [&](Value *lower, Value *upper) { return larger(upper, lower); });
}

/// Scores to weights, where they are; those of lanes that do not exist are zero.
Value *FusedSoftmax::weighGroup(Value *at, Value *most, Value *lanes) {
  llvm::Type *type = most->getType();
  Value *delta = ir.CreateFSub(ir.CreateAlignedLoad(type, at, llvm::Align(64)), most);
  Value *weight = numerics.softmaxWeight(delta, e.isa.fusedMultiplyAdd);
  if (lanes)
    weight = ir.CreateSelect(lanes, weight, llvm::Constant::getNullValue(type));
  ir.CreateAlignedStore(weight, at, llvm::Align(64));
  return weight;
}

Value *FusedSoftmax::weigh(Value *scores, Value *visible, Value *largest) {
  // One weight takes thirty operations that wait for each other; several vectors' are interleaved.
  const unsigned several = e.isa.vectorBits >= 512 ? 4 * kLanes : kLanes;
  const auto groups = [&](Value *from, Value *to, Value *before, unsigned width, bool partial) {
    Value *most = e.splat(largest, width);
    return e.loop(from, to, width, {before}, [&](Value *column, llvm::ArrayRef<Value *> state) {
      Value *lanes = partial ? e.firstLanes(ir.CreateSub(to, column)) : nullptr;
      Value *weights = weighGroup(e.at(scores, ir.CreateShl(column, 2)), most, lanes);
      Value *sum = state[0];
      for (unsigned first = 0; first < width; first += kLanes)
        sum = ir.CreateFAdd(sum, e.slice(weights, int(first), kLanes));
      return Emitter::Values{sum};
    })[0];
  };
  Value *whole = ir.CreateAnd(visible, e.i64(-uint64_t(several)));
  Value *sum = groups(e.i64(0), whole, e.splat(e.f32(0.0f)), several, false);
  return groups(whole, visible, sum, kLanes, true);
}

Value *FusedSoftmax::inverses(const Emitter::Values &rows) {
  return numerics.recip(
      joinRows(rows, [&](Value *lower, Value *upper) { return ir.CreateFAdd(lower, upper); }));
}

} // namespace llmc::target
