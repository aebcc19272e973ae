#include "targets/Llvm/CausalShares.h"

namespace llmc::target {

using llvm::Value;

CausalShares::CausalShares(Emitter &emitter, const Rows &rows)
    : e(emitter), ir(emitter.ir), of(rows), headWork(workBefore(rows.headRows)) {}

/// Positions that the rows of a KV head before `row` see together.
Value *CausalShares::workBefore(Value *row) const {
  Value *token = ir.CreateUDiv(row, e.i64(of.subRows));
  Value *sub = ir.CreateURem(row, e.i64(of.subRows));
  Value *next = ir.CreateAdd(token, e.i64(1));
  Value *pairs = ir.CreateLShr(ir.CreateMul(token, next), 1);
  Value *ofSub = ir.CreateAdd(ir.CreateMul(of.position, token), pairs);
  return ir.CreateAdd(ir.CreateMul(ofSub, e.i64(of.subRows)),
                      ir.CreateMul(sub, ir.CreateAdd(of.position, next)));
}

/// The first row of a KV head with that much work before it, by bisection.
Value *CausalShares::rowAt(Value *work) const {
  Value *leading = ir.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, of.headRows, ir.getTrue());
  const auto halve = [&](Value *, llvm::ArrayRef<Value *> range) -> Emitter::Values {
    Value *middle = ir.CreateLShr(ir.CreateAdd(range[0], range[1]), 1);
    Value *enough = ir.CreateICmpUGE(workBefore(middle), work);
    return {ir.CreateSelect(enough, range[0], ir.CreateAdd(middle, e.i64(1))),
            ir.CreateSelect(enough, middle, range[1])};
  };
  return e.loop(e.i64(0), ir.CreateSub(e.i64(64), leading), 1, {e.i64(0), of.headRows}, halve)[1];
}

/// The first row that does not belong to the parts before `part`.
Value *CausalShares::boundary(Value *part) const {
  Value *all = ir.CreateMul(headWork, e.i64(of.kvHeads)), *parts = e.parts();
  Value *above = ir.CreateAdd(ir.CreateMul(all, part), ir.CreateSub(parts, e.i64(1)));
  Value *work = ir.CreateUDiv(above, parts);
  Value *heads = ir.CreateUDiv(work, headWork);
  Value *rest = ir.CreateSub(work, ir.CreateMul(heads, headWork));
  return ir.CreateAdd(ir.CreateMul(heads, of.headRows), rowAt(rest));
}

std::pair<Value *, Value *> CausalShares::rows() const {
  Value *first = boundary(e.part());
  return {first, boundary(ir.CreateAdd(e.part(), e.i64(1)))};
}

} // namespace llmc::target
