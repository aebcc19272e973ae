// The sequences of runtime/base/numerics.h as IR, operation by operation. Values are float or
// vectors of float.
#pragma once

#include "llvm/IR/IRBuilder.h"

namespace llmc::target {

class NumericsIr {
public:
  explicit NumericsIr(llvm::IRBuilder<> &ir) : ir(ir) {}

  llvm::Value *recip(llvm::Value *x);
  llvm::Value *rsqrt(llvm::Value *x);
  llvm::Value *exp(llvm::Value *x);
  llvm::Value *sigmoid(llvm::Value *x);
  /// Twice p, which cancels in a quotient: 2^16 e^delta as stored p are rounded, 0 below -20. delta
  /// is at most 0, or NaN. `fused`: the machine multiplies and adds at once.
  llvm::Value *softmaxWeight(llvm::Value *delta, bool fused);
  /// The stored form of q, k, v and p: i16 of the same shape.
  llvm::Value *toHalfBits(llvm::Value *x);
  /// From i16. `convert`: the machine has an instruction for it.
  llvm::Value *fromHalfBits(llvm::Value *half, bool convert);
  llvm::Value *activationInverseScale(llvm::Value *absmax);
  llvm::Value *activationScale(llvm::Value *absmax);
  /// rne and clamp to +-127: i8 of the same shape.
  llvm::Value *toInt8(llvm::Value *x);

  llvm::Value *bits(llvm::Value *x);
  llvm::Value *asFloat(llvm::Value *bits);
  /// Magnitude bits: order of absolute values, infinity above numbers, NaN above both.
  llvm::Value *magnitude(llvm::Value *x);

private:
  llvm::Value *number(llvm::Value *like, float value);
  llvm::Value *word(llvm::Value *like, uint32_t value);
  /// condition ? word(value) : other
  llvm::Value *replace(llvm::Value *condition, uint32_t value, llvm::Value *other);
  llvm::Value *clamp(llvm::Value *x, float low, float high);
  llvm::Value *newtonRecip(llvm::Value *y, llvm::Value *m);
  /// 1/x of magnitude bits: bits, without regard to overflow, underflow and NaN.
  llvm::Value *recipBits(llvm::Value *abs);
  llvm::Value *newtonRsqrt(llvm::Value *y, llvm::Value *x);
  llvm::Value *expPolynomial(llvm::Value *r);
  /// e^x for x = n ln 2 + r, times 2^shift; shift is even. Bits without regard to overflow,
  /// underflow and NaN.
  llvm::Value *expBits(llvm::Value *x, uint32_t shift);

  llvm::IRBuilder<> &ir;
};

} // namespace llmc::target
