#include "targets/Llvm/NumericsIr.h"

#include "runtime/base/numerics.h"

#include <cassert>

namespace llmc::target {

using llvm::Value;

Value *NumericsIr::number(Value *like, float value) {
  llvm::Type *type = like->getType();
  return llvm::ConstantFP::get(type->getWithNewType(ir.getFloatTy()), value);
}

Value *NumericsIr::word(Value *like, uint32_t value) {
  llvm::Type *type = like->getType();
  return llvm::ConstantInt::get(type->getWithNewType(ir.getInt32Ty()), value);
}

Value *NumericsIr::bits(Value *x) {
  return ir.CreateBitCast(x, x->getType()->getWithNewType(ir.getInt32Ty()));
}

Value *NumericsIr::asFloat(Value *x) {
  return ir.CreateBitCast(x, x->getType()->getWithNewType(ir.getFloatTy()));
}

Value *NumericsIr::magnitude(Value *x) {
  Value *all = bits(x);
  return ir.CreateAnd(all, word(all, LLMC_BITS_MAGNITUDE));
}

Value *NumericsIr::replace(Value *condition, uint32_t value, Value *other) {
  return ir.CreateSelect(condition, word(other, value), other);
}

Value *NumericsIr::newtonRecip(Value *y, Value *m) {
  Value *rest = ir.CreateFSub(number(y, 1.0f), ir.CreateFMul(m, y));
  return ir.CreateFAdd(y, ir.CreateFMul(y, rest));
}

Value *NumericsIr::recipBits(Value *abs) {
  Value *mantissa = ir.CreateAnd(abs, word(abs, 0x007fffffu));
  Value *m = asFloat(ir.CreateOr(mantissa, word(abs, LLMC_BITS_ONE)));
  Value *y = ir.CreateFSub(number(m, 0x1.69696ap+0f), ir.CreateFMul(number(m, 0x1.e1e1e2p-2f), m));
  for (int step = 0; step < 3; ++step)
    y = newtonRecip(y, m);
  Value *exponent = ir.CreateAnd(abs, word(abs, LLMC_BITS_INF));
  return ir.CreateSub(ir.CreateAdd(bits(y), word(abs, LLMC_BITS_ONE)), exponent);
}

Value *NumericsIr::recip(Value *x) {
  Value *all = bits(x), *abs = magnitude(x);
  Value *sign = ir.CreateAnd(all, word(all, LLMC_BITS_SIGN));
  Value *r = recipBits(abs);
  r = replace(ir.CreateICmpSLT(r, word(r, LLMC_BITS_MIN_NORMAL)), 0, r);
  r = replace(ir.CreateICmpUGE(abs, word(r, LLMC_BITS_INF)), 0, r);
  r = replace(ir.CreateICmpULT(abs, word(r, LLMC_BITS_MIN_NORMAL)), LLMC_BITS_INF, r);
  r = replace(ir.CreateICmpUGT(abs, word(r, LLMC_BITS_INF)), LLMC_BITS_QUIET_NAN, r);
  return asFloat(ir.CreateOr(r, sign));
}

Value *NumericsIr::newtonRsqrt(Value *y, Value *x) {
  Value *product = ir.CreateFMul(ir.CreateFMul(x, y), y);
  Value *rest = ir.CreateFSub(number(y, 1.0f), product);
  return ir.CreateFAdd(y, ir.CreateFMul(ir.CreateFMul(number(y, 0.5f), y), rest));
}

Value *NumericsIr::rsqrt(Value *x) {
  Value *all = bits(x), *abs = magnitude(x);
  Value *y = asFloat(ir.CreateSub(word(all, 0x5f3759dfu), ir.CreateLShr(all, word(all, 1))));
  for (int step = 0; step < 3; ++step)
    y = newtonRsqrt(y, x);
  Value *r = bits(y);
  r = replace(ir.CreateICmpUGE(all, word(r, LLMC_BITS_INF)), LLMC_BITS_QUIET_NAN, r);
  r = replace(ir.CreateICmpEQ(all, word(r, LLMC_BITS_INF)), 0, r);
  r = replace(ir.CreateICmpULT(abs, word(r, LLMC_BITS_MIN_NORMAL)), LLMC_BITS_INF, r);
  return asFloat(r);
}

/// x above low, else low; then below high, else high. A NaN becomes low.
Value *NumericsIr::clamp(Value *x, float low, float high) {
  Value *c = ir.CreateSelect(ir.CreateFCmpOGT(x, number(x, low)), x, number(x, low));
  return ir.CreateSelect(ir.CreateFCmpOLT(c, number(c, high)), c, number(c, high));
}

Value *NumericsIr::expPolynomial(Value *r) {
  Value *q = number(r, 0x1.a12708p-13f);
  for (float coefficient : {0x1.6d457ep-10f, 0x1.1110e0p-7f, 0x1.5554e8p-5f, 0x1.555556p-3f, 0.5f})
    q = ir.CreateFAdd(ir.CreateFMul(q, r), number(r, coefficient));
  Value *high = ir.CreateFMul(ir.CreateFMul(r, r), q);
  return ir.CreateFAdd(number(r, 1.0f), ir.CreateFAdd(r, high));
}

Value *NumericsIr::expBits(Value *x, uint32_t shift) {
  // An integer is added, so n + shift are the low bits of t; it is even, so halves round as ever.
  assert(shift % 2 == 0 && "halves would round to the other neighbour");
  Value *magic = number(x, 12582912.0f + float(shift));
  Value *t = ir.CreateFAdd(ir.CreateFMul(x, number(x, 0x1.715476p+0f)), magic);
  Value *n = ir.CreateFSub(t, magic);
  Value *r = ir.CreateFSub(x, ir.CreateFMul(n, number(x, 0x1.62e4p-1f)));
  r = ir.CreateFSub(r, ir.CreateFMul(n, number(x, 0x1.7f7d1cp-20f)));
  return ir.CreateAdd(bits(expPolynomial(r)), ir.CreateShl(bits(t), 23));
}

Value *NumericsIr::exp(Value *x) {
  Value *e = expBits(clamp(x, -89.0f, 89.0f), 0);
  e = replace(ir.CreateICmpSLT(e, word(e, LLMC_BITS_MIN_NORMAL)), 0, e);
  e = replace(ir.CreateICmpSGT(e, word(e, LLMC_BITS_INF)), LLMC_BITS_INF, e);
  e = replace(ir.CreateICmpUGT(magnitude(x), word(e, LLMC_BITS_INF)), LLMC_BITS_QUIET_NAN, e);
  return asFloat(e);
}

/// From -20 on 2^16 e^delta lies in 2^-13 ... 2^16: there is nothing to clamp, and f16 rounding is
/// that of 13 bits of the mantissa.
Value *NumericsIr::softmaxWeight(Value *delta, bool fused) {
  Value *e = expBits(delta, 16), *least = number(delta, -20.0f);
  if (fused) {
    // 2^13 times the power of two below leaves a sum no bits to lose but those. A NaN stays one
    // although the low 9 bits of its payload were added to its exponent: they are zero where it
    // comes from f16 or is the default NaN of x86, Arm or RISC-V.
    Value *power = asFloat(ir.CreateAnd(e, word(e, LLMC_BITS_INF)));
    const auto add = [&](float factor, Value *sum) {
      return ir.CreateIntrinsic(sum->getType(), llvm::Intrinsic::fma,
                                {power, number(power, factor), sum});
    };
    Value *rounded = add(-8192.0f, add(8192.0f, asFloat(e)));
    return ir.CreateSelect(ir.CreateFCmpOLT(delta, least), number(delta, 0.0f), rounded);
  }
  Value *odd = ir.CreateAnd(ir.CreateLShr(e, 13), word(e, 1));
  e = ir.CreateAdd(ir.CreateAdd(e, word(e, 0xfffu)), odd);
  e = ir.CreateAnd(e, word(e, ~0x1fffu));
  e = replace(ir.CreateFCmpOLT(delta, least), 0, e);
  return asFloat(replace(ir.CreateFCmpUNO(delta, delta), LLMC_BITS_QUIET_NAN, e));
}

Value *NumericsIr::sigmoid(Value *g) {
  // The clamped g with the other sign; a NaN stays one.
  Value *low = number(g, -80.0f), *high = number(g, 80.0f), *c = ir.CreateFNeg(g);
  c = ir.CreateSelect(ir.CreateFCmpOLT(high, c), high, c);
  c = ir.CreateSelect(ir.CreateFCmpOGT(low, c), low, c);
  // Within +-80 exp() and recip() have no special cases but NaN: 1 + e^-c lies in 1 ... 2^116.
  Value *x = ir.CreateFAdd(number(g, 1.0f), asFloat(expBits(c, 0)));
  Value *result = recipBits(bits(x));
  return asFloat(replace(ir.CreateFCmpUNO(g, g), LLMC_BITS_QUIET_NAN, result));
}

Value *NumericsIr::toHalfBits(Value *x) {
  Value *all = bits(x), *abs = magnitude(x);
  Value *sign = ir.CreateLShr(ir.CreateAnd(all, word(all, LLMC_BITS_SIGN)), word(all, 16));
  Value *odd = ir.CreateAnd(ir.CreateLShr(abs, word(abs, 13)), word(abs, 1));
  Value *rounded = ir.CreateSub(abs, word(abs, (112u << 23) - 0xfffu));
  Value *half = ir.CreateLShr(ir.CreateAdd(rounded, odd), word(abs, 13));
  half = ir.CreateOr(half, sign);
  const auto unless = [&](Value *condition, uint32_t magnitudeBits) {
    half = ir.CreateSelect(condition, ir.CreateOr(sign, word(sign, magnitudeBits)), half);
  };
  unless(ir.CreateICmpULT(abs, word(abs, 0x38800000u)), 0x0400u);
  half = replace(ir.CreateICmpULT(abs, word(abs, 0x387fe000u)), 0, half);
  unless(ir.CreateICmpUGE(abs, word(abs, 0x477ff000u)), 0x7bffu);
  unless(ir.CreateICmpUGE(abs, word(abs, LLMC_BITS_INF)), 0x7c00u);
  unless(ir.CreateICmpUGT(abs, word(abs, LLMC_BITS_INF)), 0x7e00u);
  return ir.CreateTrunc(half, half->getType()->getWithNewType(ir.getInt16Ty()));
}

Value *NumericsIr::fromHalfBits(Value *half, bool convert) {
  llvm::Type *type = half->getType();
  if (convert)
    return ir.CreateFPExt(ir.CreateBitCast(half, type->getWithNewType(ir.getHalfTy())),
                          type->getWithNewType(ir.getFloatTy()));
  Value *all = ir.CreateZExt(half, type->getWithNewType(ir.getInt32Ty()));
  Value *abs = ir.CreateAnd(all, word(all, 0x7fffu));
  Value *sign = ir.CreateShl(ir.CreateAnd(all, word(all, 0x8000u)), word(all, 16));
  Value *shifted = ir.CreateShl(abs, word(abs, 13));
  Value *count = ir.CreateSIToFP(abs, type->getWithNewType(ir.getFloatTy()));
  Value *subnormal = bits(ir.CreateFMul(count, number(all, 0x1p-24f)));
  Value *normal = ir.CreateAdd(shifted, word(abs, 112u << 23));
  Value *result = ir.CreateSelect(ir.CreateICmpULT(abs, word(abs, 0x0400u)), subnormal, normal);
  Value *special = ir.CreateOr(shifted, word(abs, LLMC_BITS_INF));
  result = ir.CreateSelect(ir.CreateICmpUGE(abs, word(abs, 0x7c00u)), special, result);
  return asFloat(ir.CreateOr(result, sign));
}

Value *NumericsIr::activationInverseScale(Value *absmax) {
  Value *inverse = bits(ir.CreateFMul(number(absmax, 127.0f), recip(absmax)));
  Value *above = ir.CreateSub(bits(absmax), word(absmax, LLMC_BITS_2_POW_MINUS_60));
  Value *usual =
      ir.CreateICmpULT(above, word(absmax, LLMC_BITS_2_POW_120 - LLMC_BITS_2_POW_MINUS_60));
  return asFloat(ir.CreateSelect(usual, inverse, word(absmax, 0)));
}

Value *NumericsIr::activationScale(Value *absmax) {
  Value *all = bits(absmax);
  Value *scale = bits(ir.CreateFMul(absmax, number(absmax, 0x1.020408p-7f)));
  scale = replace(ir.CreateICmpULT(all, word(all, LLMC_BITS_2_POW_MINUS_60)), 0, scale);
  scale = replace(ir.CreateICmpUGE(all, word(all, LLMC_BITS_2_POW_120)), LLMC_BITS_INF, scale);
  scale = replace(ir.CreateICmpUGT(all, word(all, LLMC_BITS_INF)), LLMC_BITS_QUIET_NAN, scale);
  return asFloat(scale);
}

Value *NumericsIr::toInt8(Value *x) {
  Value *c = clamp(x, -127.0f, 127.0f);
  Value *rounded = bits(ir.CreateFAdd(c, number(c, 12582912.0f)));
  Value *integer = ir.CreateSub(rounded, word(rounded, 0x4b400000u));
  return ir.CreateTrunc(integer, integer->getType()->getWithNewType(ir.getInt8Ty()));
}

} // namespace llmc::target
