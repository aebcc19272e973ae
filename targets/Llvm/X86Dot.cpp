#include "targets/Llvm/X86Dot.h"

#include "llvm/IR/IntrinsicsX86.h"

#include <array>

namespace llmc::target {

using llvm::Value;

uint32_t X86Dot::correction(uint32_t bias) const {
  return e.isa.dot == DotKind::MaddUbs && bias == 128 ? 0 : bias;
}

static Value *join(llvm::IRBuilder<> &ir, Value *low, Value *high) {
  llvm::SmallVector<int, kLanes> order;
  for (int i = 0; i < int(kLanes); ++i)
    order.push_back(i);
  return ir.CreateShuffleVector(low, high, order);
}

/// AVX2: vpmaddubsw saturates at 2 * 128 * 127 < 2^15 only for codes above 128, so codes of bias
/// 128 become |w|, and the activation takes the sign: |w| <= 128 and |a| <= 127.
Value *X86Dot::addHalf(Value *sums, Value *codes, Value *activations, uint32_t bias) {
  llvm::IRBuilder<> &ir = e.ir;
  if (bias == 128) {
    Value *weights = ir.CreateXor(codes, e.splat(ir.getInt8(0x80), 32));
    codes = ir.CreateBinaryIntrinsic(llvm::Intrinsic::abs, weights, ir.getFalse());
    activations = ir.CreateIntrinsic(llvm::Intrinsic::x86_avx2_psign_b, {activations, weights});
  }
  Value *pairs = ir.CreateIntrinsic(llvm::Intrinsic::x86_avx2_pmadd_ub_sw, {codes, activations});
  Value *ones = e.splat(ir.getInt16(1), 16);
  return ir.CreateAdd(sums, ir.CreateIntrinsic(llvm::Intrinsic::x86_avx2_pmadd_wd, {pairs, ones}));
}

Value *X86Dot::add(Value *sums, Value *codes, Value *activations, uint32_t bias) {
  llvm::IRBuilder<> &ir = e.ir;
  llvm::Type *bytes = e.vector(ir.getInt8Ty(), 64);
  if (e.isa.dot != DotKind::MaddUbs)
    return ir.CreateIntrinsic(llvm::Intrinsic::x86_avx512_vpdpbusd_512,
                              {sums, codes, ir.CreateBitCast(e.splat(activations), bytes)});
  Value *spread = ir.CreateBitCast(e.splat(activations, 8), e.vector(ir.getInt8Ty(), 32));
  Value *low = addHalf(e.slice(sums, 0, 8), e.slice(codes, 0, 32), spread, bias);
  Value *high = addHalf(e.slice(sums, 8, 8), e.slice(codes, 32, 32), spread, bias);
  return join(ir, low, high);
}

/// Halves of a vector are registers of their own.
static Value *byHalves(Emitter &e, unsigned lanes, llvm::function_ref<Value *(int first)> half) {
  Value *low = half(0), *high = half(int(lanes));
  llvm::SmallVector<int, 32> order;
  for (int i = 0; i < 2 * int(lanes); ++i)
    order.push_back(i);
  return e.ir.CreateShuffleVector(low, high, order);
}

bool X86Dot::sumsPairs(uint32_t bias, uint32_t columns) const {
  return e.isa.dot == DotKind::MaddUbs && bias == 8 && columns <= 64;
}

Value *X86Dot::noPairs() { return llvm::Constant::getNullValue(e.vector(e.ir.getInt16Ty(), 32)); }

Value *X86Dot::addPairs(Value *pairs, Value *codes, Value *activations) {
  llvm::IRBuilder<> &ir = e.ir;
  Value *spread = ir.CreateBitCast(e.splat(activations, 8), e.vector(ir.getInt8Ty(), 32));
  return byHalves(e, 16, [&](int first) {
    Value *products = ir.CreateIntrinsic(llvm::Intrinsic::x86_avx2_pmadd_ub_sw,
                                         {e.slice(codes, first * 2, 32), spread});
    return ir.CreateAdd(e.slice(pairs, first, 16), products);
  });
}

Value *X86Dot::joinPairs(Value *sums, Value *pairs) {
  llvm::IRBuilder<> &ir = e.ir;
  Value *ones = e.splat(ir.getInt16(1), 16);
  return byHalves(e, 8, [&](int first) {
    Value *joined = ir.CreateIntrinsic(llvm::Intrinsic::x86_avx2_pmadd_wd,
                                       {e.slice(pairs, first * 2, 16), ones});
    return ir.CreateAdd(e.slice(sums, first, 8), joined);
  });
}

Value *X86Dot::addProducts(Value *sums, Value *dots, Value *multipliers, bool narrow) {
  llvm::IRBuilder<> &ir = e.ir;
  if (!narrow)
    return ir.CreateAdd(sums, ir.CreateMul(dots, multipliers));
  // The upper halves of the multipliers are 0, so a pair of 16-bit products is the one of the lower
  // halves.
  llvm::Type *words = e.vector(ir.getInt16Ty(), 32);
  Value *x = ir.CreateBitCast(dots, words), *y = ir.CreateBitCast(multipliers, words);
  if (e.isa.dot != DotKind::MaddUbs)
    return ir.CreateIntrinsic(llvm::Intrinsic::x86_avx512_vpdpwssd_512, {sums, x, y});
  std::array<Value *, 2> halves;
  for (int half = 0; half < 2; ++half)
    halves[size_t(half)] =
        ir.CreateAdd(e.slice(sums, half * 8, 8),
                     ir.CreateIntrinsic(llvm::Intrinsic::x86_avx2_pmadd_wd,
                                        {e.slice(x, half * 16, 16), e.slice(y, half * 16, 16)}));
  return join(ir, halves[0], halves[1]);
}

} // namespace llmc::target
