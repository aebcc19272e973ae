#include "targets/Llvm/RowAttention.h"

#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/Layout/AttentionRules.h"
#include "targets/Llvm/NumericsIr.h"

#include <limits>

namespace llmc::target {

using llvm::Value;

namespace {

constexpr unsigned atOnce = 4; ///< Positions whose scores are summed side by side.

uint64_t queryBytes(const Attention &attention) { return uint64_t(attention.headDim) * 4; }

uint64_t scoreBytes(const Attention &attention) {
  return (uint64_t(attention.capacity) + kLanes - 1) / kLanes * kLanes * 4;
}

class RowAttentionEmitter {
public:
  RowAttentionEmitter(Emitter &emitter, const Attention &attention,
                      const std::vector<KernelOperand> &operands)
      : e(emitter), ir(emitter.ir), numerics(emitter.ir), attention(attention), operands(operands) {
  }

  void run() {
    query = e.stack(queryBytes(attention));
    scores = e.stack(scoreBytes(attention));
    Value *heads = e.index(attention.heads);
    const auto [first, end] = e.share(ir.CreateMul(e.extent(attention.tokens), heads));
    e.loop(first, end, 1,
           [&](Value *row) { one(ir.CreateUDiv(row, heads), ir.CreateURem(row, heads)); });
  }

private:
  void one(Value *token, Value *head);
  void widenQuery(Value *from);
  void scoresOf(Value *first, unsigned count);
  void gatheredScores(Value *first);
  Value *weigh();
  void values(Value *out, uint32_t column, unsigned lanes, Value *inverse);

  Value *place(unsigned operand, Value *token, Value *sub) {
    const KernelOperand &where = operands[operand];
    return e.at(e.operand(operand), ir.CreateAdd(ir.CreateMul(token, e.index(where.tokenStride)),
                                                 ir.CreateMul(sub, e.index(where.subStride))));
  }
  Value *halves(Value *from, unsigned lanes) {
    Value *bits = ir.CreateAlignedLoad(e.vector(ir.getInt16Ty(), lanes), from, llvm::Align(2));
    return numerics.fromHalfBits(bits, e.isa.halfConversion);
  }
  Value *half(Value *from) {
    return numerics.fromHalfBits(ir.CreateLoad(ir.getInt16Ty(), from), e.isa.halfConversion);
  }

  Emitter &e;
  llvm::IRBuilder<> &ir;
  NumericsIr numerics;
  const Attention &attention;
  const std::vector<KernelOperand> &operands;
  Value *query = nullptr, *scores = nullptr;
  Value *kvHead = nullptr, *visible = nullptr, *padded = nullptr; ///< Of the row at hand.
};

void RowAttentionEmitter::one(Value *token, Value *head) {
  kvHead = ir.CreateUDiv(head, e.index(attention.heads / attention.kvHeads));
  Value *position = e.argument(attention.positionArgument);
  visible = ir.CreateAdd(ir.CreateAdd(position, token), e.index(1));
  padded = ir.CreateAnd(ir.CreateAdd(visible, e.index(kLanes - 1)), e.index(-uint64_t(kLanes)));
  widenQuery(place(attention::Queries, token, head));
  // Whole vectors of scores; what is not visible weighs nothing.
  Value *least = e.splat(e.f32(-std::numeric_limits<float>::infinity()));
  Value *last = e.at(scores, ir.CreateShl(ir.CreateSub(padded, e.index(kLanes)), 2));
  ir.CreateAlignedStore(least, last, llvm::Align(64));
  Value *whole = ir.CreateAnd(visible, e.index(-uint64_t(atOnce)));
  e.loop(e.index(0), whole, atOnce, [&](Value *first) {
    if (e.isa.dot == DotKind::Vmladava) // Helium loads from four addresses at once.
      gatheredScores(first);
    else
      scoresOf(first, atOnce);
  });
  e.loop(whole, visible, 1, [&](Value *first) { scoresOf(first, 1); });
  Value *inverse = weigh();
  Value *out = place(attention::Out, token, head);
  for (uint32_t column = 0; column < attention.headDim; column += kLanes)
    values(out, column, std::min(kLanes, attention.headDim - column), inverse);
}

void RowAttentionEmitter::widenQuery(Value *from) {
  e.loop(e.index(0), e.index(attention.headDim), 1, [&](Value *column) {
    ir.CreateStore(half(e.at(from, ir.CreateShl(column, 1))), e.at(query, ir.CreateShl(column, 2)));
  });
}

void RowAttentionEmitter::scoresOf(Value *first, unsigned count) {
  Emitter::Values keys;
  for (unsigned i = 0; i < count; ++i)
    keys.push_back(place(attention::Keys, ir.CreateAdd(first, e.index(i)), kvHead));
  const Emitter::Values sums = e.loop(
      e.index(0), e.index(attention.headDim), 1, Emitter::Values(count, e.f32(0)),
      [&](Value *column, llvm::ArrayRef<Value *> state) {
        Value *q = ir.CreateLoad(ir.getFloatTy(), e.at(query, ir.CreateShl(column, 2)));
        Emitter::Values next;
        for (unsigned i = 0; i < count; ++i)
          next.push_back(e.multiplyAdd(q, half(e.at(keys[i], ir.CreateShl(column, 1))), state[i]));
        return next;
      });
  for (unsigned i = 0; i < count; ++i)
    ir.CreateStore(ir.CreateFMul(sums[i], e.f32(attention.scale)),
                   e.at(scores, ir.CreateShl(ir.CreateAdd(first, e.index(i)), 2)));
}

/// The same for a vector of positions.
void RowAttentionEmitter::gatheredScores(Value *first) {
  Value *base = place(attention::Keys, first, kvHead);
  llvm::SmallVector<uint32_t, atOnce> offsets;
  for (unsigned i = 0; i < atOnce; ++i)
    offsets.push_back(i * operands[attention::Keys].tokenStride);
  Value *apart = llvm::ConstantDataVector::get(ir.getContext(), offsets);
  Value *zero = llvm::Constant::getNullValue(e.vector(ir.getFloatTy(), atOnce));
  Value *sums =
      e.loop(e.index(0), e.index(attention.headDim), 1, {zero},
             [&](Value *column, llvm::ArrayRef<Value *> state) -> Emitter::Values {
               Value *q = ir.CreateLoad(ir.getFloatTy(), e.at(query, ir.CreateShl(column, 2)));
               Value *from =
                   ir.CreateGEP(ir.getInt8Ty(), e.at(base, ir.CreateShl(column, 1)), apart);
               Value *bits =
                   ir.CreateMaskedGather(e.vector(ir.getInt16Ty(), atOnce), from, llvm::Align(2));
               Value *keys = numerics.fromHalfBits(bits, e.isa.halfConversion);
               return {e.multiplyAdd(e.splat(q, atOnce), keys, state[0])};
             })[0];
  ir.CreateAlignedStore(ir.CreateFMul(sums, e.splat(e.f32(attention.scale), atOnce)),
                        e.at(scores, ir.CreateShl(first, 2)), llvm::Align(16));
}

/// Scores become weights. Returns the inverse of their sum.
Value *RowAttentionEmitter::weigh() {
  llvm::Type *type = e.vector(ir.getFloatTy());
  const auto at = [&](Value *column) { return e.at(scores, ir.CreateShl(column, 2)); };
  const auto larger = [&](Value *x, Value *y) {
    return ir.CreateSelect(ir.CreateFCmpOGT(x, y), x, y);
  };
  Value *least = e.splat(e.f32(-std::numeric_limits<float>::infinity()));
  Value *most =
      e.loop(e.index(0), padded, kLanes, {least},
             [&](Value *column, llvm::ArrayRef<Value *> state) -> Emitter::Values {
               return {larger(ir.CreateAlignedLoad(type, at(column), llvm::Align(64)), state[0])};
             })[0];
  most =
      e.splat(e.joinLanes(most, [&](Value *lower, Value *upper) { return larger(upper, lower); }));
  Value *sum = e.loop(e.index(0), padded, kLanes, {e.splat(e.f32(0))},
                      [&](Value *column, llvm::ArrayRef<Value *> state) -> Emitter::Values {
                        Value *score = ir.CreateAlignedLoad(type, at(column), llvm::Align(64));
                        Value *weight = numerics.softmaxWeight(ir.CreateFSub(score, most),
                                                               e.isa.fusedMultiplyAdd);
                        ir.CreateAlignedStore(weight, at(column), llvm::Align(64));
                        return {ir.CreateFAdd(state[0], weight)};
                      })[0];
  return numerics.recip(
      e.joinLanes(sum, [&](Value *lower, Value *upper) { return ir.CreateFAdd(lower, upper); }));
}

void RowAttentionEmitter::values(Value *out, uint32_t column, unsigned lanes, Value *inverse) {
  Value *zero = llvm::Constant::getNullValue(e.vector(ir.getFloatTy(), lanes));
  Value *sum =
      e.loop(e.index(0), visible, 1, {zero},
             [&](Value *position, llvm::ArrayRef<Value *> state) -> Emitter::Values {
               Value *from = e.at(place(attention::Values, position, kvHead), column * 2);
               Value *weight =
                   ir.CreateLoad(ir.getFloatTy(), e.at(scores, ir.CreateShl(position, 2)));
               return {e.multiplyAdd(e.splat(weight, lanes), halves(from, lanes), state[0])};
             })[0];
  ir.CreateAlignedStore(ir.CreateFMul(sum, e.splat(inverse, lanes)), e.at(out, column * 4),
                        llvm::Align(4));
}

} // namespace

bool emitRowAttention(llvm::Module &module, const IsaTable &isa, const std::string &name,
                      const Attention &attention, const std::vector<KernelOperand> &operands,
                      std::string &error) {
  error = refusalOf(attention);
  if (error.empty())
    error = attentionOperandsRefusal(operands);
  if (error.empty())
    error = rowStackRefusal(attention, isa.stackBytes);
  if (!error.empty())
    return false;
  Emitter emitter(module, isa, name, operands);
  RowAttentionEmitter(emitter, attention, operands).run();
  emitter.finish();
  return true;
}

} // namespace llmc::target
