#include "targets/Llvm/FusedAttention.h"

#include "targets/Llvm/CausalShares.h"
#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/FusedPanels.h"
#include "targets/Llvm/FusedProducts.h"
#include "targets/Llvm/FusedSoftmax.h"
#include "targets/Llvm/Layout/FusedShape.h"
#include "targets/Llvm/NumericsIr.h"

#include <algorithm>

namespace llmc::target {

using llvm::Value;

namespace {

constexpr uint64_t valuesAhead = 64; ///< Positions asked for before they are read.
constexpr uint64_t lineBytes = 64;

/// Positions and columns of values that meet all rows of a block.
struct ValueRun {
  Value *firstK, *endK, *column;
  uint32_t columns;
  bool isFirst; ///< Of the columns: asks for the next rows whole.
};

class FusedEmitter {
public:
  FusedEmitter(Emitter &emitter, const Attention &attention,
               const std::vector<KernelOperand> &operands, const FusedShape &shape)
      : e(emitter), ir(emitter.ir), numerics(emitter.ir), products(emitter, numerics),
        softmax(emitter, numerics), panels(emitter, numerics, operands, shape),
        attention(attention), operands(operands), shape(shape) {}

  void run();

private:
  void head(Value *first, Value *last);
  void block();
  void weighBlock();

  void widenQuery(Value *row);
  void scoreUnit(Value *from, Value *row, unsigned height, Value *index);
  void valueRun(Value *firstK, Value *endK);
  void valueUnit(const ValueRun &run, Value *row, unsigned height);

  uint64_t rowLines() const { return (shape.headDim * 2 + lineBytes - 1) / lineBytes; }
  void askForPanel(Value *from, Value *index, Value *k);
  void askForValues(Value *k);

  /// Rows of the block that see position `from`, in units.
  void units(Value *from, llvm::function_ref<void(Value *row, unsigned height, Value *index)> body);

  Value *lowRows(Value *rows);

  Value *tokenOf(Value *row) { return ir.CreateUDiv(row, e.i64(shape.subRows)); }
  Value *visibleOf(Value *row) {
    return ir.CreateAdd(ir.CreateAdd(position, tokenOf(row)), e.i64(1));
  }
  Value *recordOf(Value *row) {
    return e.at(arena, ir.CreateMul(ir.CreateSub(row, blockFirst), recordBytes));
  }
  Value *smaller(Value *x, Value *y) {
    return ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, x, y);
  }
  Value *existing(Value *row, unsigned next) {
    return smaller(ir.CreateAdd(row, e.i64(next)), ir.CreateSub(blockEnd, e.i64(1)));
  }
  /// Of a query or an output.
  Value *rowOf(unsigned operand, Value *row);
  Value *cached(unsigned operand) { return cached(operand, kvHead); }
  Value *cached(unsigned operand, Value *head) {
    return e.at(e.operand(operand), ir.CreateMul(head, e.i64(operands[operand].subStride)));
  }

  Emitter &e;
  llvm::IRBuilder<> &ir;
  NumericsIr numerics;
  FusedProducts products;
  FusedSoftmax softmax;
  FusedPanels panels;
  const Attention &attention;
  const std::vector<KernelOperand> &operands;
  const FusedShape &shape;
  Value *position = nullptr, *tokens = nullptr, *headRows = nullptr;
  Value *recordBytes = nullptr, *blockRows = nullptr;
  Value *arena = nullptr, *panel = nullptr;
  Value *kvHead = nullptr, *blockFirst = nullptr, *blockEnd = nullptr; ///< The block at hand.
  Value *positionsEnd = nullptr; ///< Of the positions that the block sees.
  Value *nextKeys = nullptr;     ///< Of the head that follows, if this part has rows of it.
};

void FusedEmitter::run() {
  position = e.argument(attention.positionArgument);
  tokens = e.extent(attention.tokens);
  arena = e.stack(shape.arenaBytes());
  panel = e.stack(shape.panelBytes);
  headRows = ir.CreateMul(tokens, e.i64(shape.subRows));
  e.when(ir.CreateICmpNE(tokens, e.i64(0)), [&] {
    Value *scores = ir.CreateShl(ir.CreateAdd(position, tokens), 2);
    scores = ir.CreateAnd(ir.CreateAdd(scores, e.i64(FusedShape::scoreUnit - 1)),
                          e.i64(-FusedShape::scoreUnit));
    recordBytes = ir.CreateAdd(scores, e.i64(shape.scores));
    Value *fitting = ir.CreateUDiv(e.i64(shape.arenaBytes()), recordBytes);
    Value *even = ir.CreateSub(fitting, ir.CreateURem(fitting, e.i64(shape.height)));
    blockRows =
        ir.CreateSelect(ir.CreateICmpULT(fitting, e.i64(shape.height)), fitting, even, "blockRows");
    const CausalShares shares(e, {position, tokens, headRows, shape.subRows, attention.kvHeads});
    const auto [begin, end] = shares.rows();
    e.loop(e.i64(0), e.i64(attention.kvHeads), 1, [&](Value *index) {
      kvHead = index;
      Value *before = ir.CreateMul(index, headRows), *following = ir.CreateAdd(before, headRows);
      Value *next = ir.CreateAdd(index, e.i64(1));
      nextKeys = ir.CreateSelect(ir.CreateICmpULT(following, end), cached(attention::Keys, next),
                                 cached(attention::Values));
      const auto within = [&](Value *row) {
        Value *above = ir.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, row, before);
        return smaller(above, headRows);
      };
      head(within(begin), within(end));
    });
  });
}

void FusedEmitter::head(Value *first, Value *last) {
  Value *count = ir.CreateSub(last, first);
  Value *blocks =
      ir.CreateUDiv(ir.CreateAdd(count, ir.CreateSub(blockRows, e.i64(1))), blockRows, "blocks");
  e.loop(e.i64(0), blocks, 1, [&](Value *index) {
    blockFirst = ir.CreateAdd(first, ir.CreateMul(index, blockRows));
    blockEnd = smaller(ir.CreateAdd(blockFirst, blockRows), last);
    block();
  });
}

void FusedEmitter::block() {
  Value *end = visibleOf(ir.CreateSub(blockEnd, e.i64(1)));
  positionsEnd = end;
  e.loop(blockFirst, blockEnd, 1, [&](Value *row) { widenQuery(row); });
  e.loop(e.i64(0), end, shape.vectors * kLanes, [&](Value *from) {
    panels.keys(panel, cached(attention::Keys), from, ir.CreateAdd(position, tokens));
    units(from,
          [&](Value *row, unsigned height, Value *index) { scoreUnit(from, row, height, index); });
  });
  weighBlock();
  e.loop(e.i64(0), end, shape.valueRun, [&](Value *firstK) {
    Value *endK = smaller(ir.CreateAdd(firstK, e.i64(shape.valueRun)), end);
    if (shape.wide)
      panels.values(panel, cached(attention::Values), firstK, endK);
    valueRun(firstK, endK);
  });
}

/// Scores become weights. Every step is a pass over all rows: what one row ends with takes long,
/// and the next row does not wait for it.
void FusedEmitter::weighBlock() {
  const auto eachRow =
      [&](llvm::function_ref<Value *(Value * row, Value * scores, Value * at)> one) {
        e.loop(blockFirst, blockEnd, 1, [&](Value *row) {
          Value *record = recordOf(row), *at = e.at(record, shape.inverse);
          ir.CreateAlignedStore(one(row, e.at(record, shape.scores), at), at, llvm::Align(64));
        });
      };
  eachRow(
      [&](Value *row, Value *scores, Value *) { return softmax.largest(scores, visibleOf(row)); });
  eachRow([&](Value *row, Value *scores, Value *at) {
    Value *largest = ir.CreateLoad(ir.getFloatTy(), at);
    return softmax.weigh(scores, visibleOf(row), largest);
  });
  eachRow([&](Value *, Value *, Value *at) {
    return softmax.inverse(ir.CreateAlignedLoad(e.vector(ir.getFloatTy()), at, llvm::Align(64)));
  });
}

void FusedEmitter::units(Value *from, llvm::function_ref<void(Value *, unsigned, Value *)> body) {
  Value *token = ir.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, from, position);
  Value *first = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umax, blockFirst,
                                          ir.CreateMul(token, e.i64(shape.subRows)));
  Value *lowFirst = ir.CreateSub(blockEnd, lowRows(ir.CreateSub(blockEnd, first)));
  Value *high = ir.CreateUDiv(ir.CreateSub(lowFirst, first), e.i64(shape.height));
  e.loop(first, lowFirst, shape.height, [&](Value *row) {
    body(row, shape.height, ir.CreateUDiv(ir.CreateSub(row, first), e.i64(shape.height)));
  });
  e.loop(lowFirst, blockEnd, shape.lowHeight, [&](Value *row) {
    Value *low = ir.CreateUDiv(ir.CreateSub(row, lowFirst), e.i64(shape.lowHeight));
    body(row, shape.lowHeight, ir.CreateAdd(high, low));
  });
}

/// While a panel of keys from `from` on meets its first rows, lines of the following one, or of the
/// first values: memory is asked for evenly, and nothing waits behind it.
void FusedEmitter::askForPanel(Value *from, Value *index, Value *k) {
  const uint64_t positions = shape.vectors * kLanes, lines = positions * rowLines();
  const uint64_t unitsOfToken = (shape.subRows + shape.height - 1) / shape.height;
  const uint64_t askers = std::min((lines + shape.headDim - 1) / shape.headDim, unitsOfToken);
  const uint64_t some = (lines + askers * shape.headDim - 1) / (askers * shape.headDim);
  Value *next = ir.CreateAdd(from, e.i64(positions));
  const uint64_t stride = operands[attention::Keys].tokenStride;
  Value *base = ir.CreateSelect(ir.CreateICmpULT(next, positionsEnd),
                                e.at(cached(attention::Keys), ir.CreateMul(next, e.i64(stride))),
                                cached(attention::Values));
  Value *first =
      ir.CreateMul(ir.CreateAdd(ir.CreateMul(index, e.i64(shape.headDim)), k), e.i64(some));
  for (uint64_t i = 0; i < some; ++i) {
    Value *line = ir.CreateAdd(first, e.i64(i));
    line = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, line, e.i64(lines - 1));
    Value *offset =
        ir.CreateAdd(ir.CreateMul(ir.CreateUDiv(line, e.i64(rowLines())), e.i64(stride)),
                     ir.CreateMul(ir.CreateURem(line, e.i64(rowLines())), e.i64(lineBytes)));
    e.prefetch(e.at(base, offset));
  }
}

/// Values further on, or the first keys of the following head.
void FusedEmitter::askForValues(Value *k) {
  Value *ahead = ir.CreateAdd(k, e.i64(valuesAhead));
  const auto row = [&](Value *base, Value *index, unsigned operand) {
    return e.at(base, ir.CreateMul(index, e.i64(operands[operand].tokenStride)));
  };
  Value *from = ir.CreateSelect(ir.CreateICmpULT(ahead, positionsEnd),
                                row(cached(attention::Values), ahead, attention::Values),
                                row(nextKeys, ir.CreateSub(ahead, positionsEnd), attention::Keys));
  for (uint64_t line = 0; line < rowLines(); ++line)
    e.prefetch(e.at(from, line * lineBytes));
}

/// Of `rows`, those at the end that low units take: what high ones leave over, if it fits one, or
/// fills two with one high unit less.
Value *FusedEmitter::lowRows(Value *rows) {
  Value *over = ir.CreateURem(rows, e.i64(shape.height));
  Value *fits = ir.CreateICmpULE(over, e.i64(shape.lowHeight));
  Value *low = ir.CreateSelect(fits, over, e.i64(0));
  const unsigned two = 2 * shape.lowHeight;
  if (two <= shape.height)
    return low;
  Value *fills = ir.CreateAnd(ir.CreateICmpEQ(over, e.i64(two - shape.height)),
                              ir.CreateICmpUGE(rows, e.i64(two)));
  return ir.CreateSelect(fills, e.i64(two), low);
}

Value *FusedEmitter::rowOf(unsigned operand, Value *row) {
  const KernelOperand &where = operands[operand];
  Value *sub = ir.CreateURem(row, e.i64(shape.subRows));
  Value *query = ir.CreateAdd(ir.CreateMul(kvHead, e.i64(shape.subRows)), sub);
  return e.at(e.operand(operand), ir.CreateAdd(ir.CreateMul(tokenOf(row), e.i64(where.tokenStride)),
                                               ir.CreateMul(query, e.i64(where.subStride))));
}

void FusedEmitter::widenQuery(Value *row) {
  Value *from = rowOf(attention::Queries, row), *to = recordOf(row);
  llvm::Type *type = e.vector(ir.getInt16Ty());
  for (uint32_t k = 0; k < shape.headDim; k += kLanes) {
    Value *halves =
        ir.CreateMaskedLoad(type, e.at(from, k * 2), llvm::Align(2),
                            e.firstLanes(e.i64(std::min(shape.headDim - k, uint32_t(kLanes)))),
                            llvm::Constant::getNullValue(type));
    ir.CreateAlignedStore(numerics.fromHalfBits(halves, e.isa.halfConversion), e.at(to, k * 4),
                          llvm::Align(64));
  }
}

void FusedEmitter::scoreUnit(Value *from, Value *row, unsigned height, Value *index) {
  Value *zero = e.splat(e.f32(0.0f)), *scale = e.splat(e.f32(attention.scale));
  ProductUnit unit{.a = {},
                   .b = panel,
                   .wide = shape.wide,
                   .kStride = shape.groupBytes / shape.paddedDim(),
                   .vectorStride = shape.groupBytes,
                   .vectors = shape.vectors,
                   .lastLanes = kLanes,
                   .firstK = e.i64(0),
                   .commonEnd = e.i64(shape.headDim),
                   .ends = {},
                   .ask = {}};
  if (!shape.wide)
    unit.ask = [&](Value *k) { askForPanel(from, index, k); };
  for (unsigned r = 0; r < height; ++r)
    unit.a.push_back(recordOf(existing(row, r)));
  const Emitter::Values sums =
      products.sums(unit, Emitter::Values(size_t(height) * shape.vectors, zero));
  for (unsigned i = 0; i < sums.size(); ++i) {
    Value *to = e.at(unit.a[i / shape.vectors], shape.scores + i % shape.vectors * kLanes * 4);
    ir.CreateAlignedStore(ir.CreateFMul(sums[i], scale), e.at(to, ir.CreateShl(from, 2)),
                          llvm::Align(64));
  }
}

/// Sums of the positions of one run, for every row that sees one of them.
void FusedEmitter::valueRun(Value *firstK, Value *endK) {
  const uint32_t width = shape.vectors * kLanes, rest = shape.headDim % width;
  const auto columns = [&](Value *column, uint32_t count, bool isFirst) {
    units(firstK, [&](Value *row, unsigned height, Value *) {
      valueUnit({firstK, endK, column, count, isFirst}, row, height);
    });
  };
  const uint32_t whole = shape.headDim - rest;
  if (whole != 0)
    columns(e.i64(0), width, true);
  e.loop(e.i64(width), e.i64(whole), width, [&](Value *column) { columns(column, width, false); });
  if (rest != 0)
    columns(e.i64(whole), rest, whole == 0);
}

void FusedEmitter::valueUnit(const ValueRun &run, Value *row, unsigned height) {
  Value *zero = e.splat(e.f32(0.0f)), *one = e.f32(1.0f);
  ProductUnit unit{.a = {},
                   .b = e.at(cached(attention::Values), ir.CreateShl(run.column, 1)),
                   .wide = shape.wide,
                   .kStride = operands[attention::Values].tokenStride,
                   .vectorStride = kLanes * 2,
                   .vectors = (run.columns + kLanes - 1) / kLanes,
                   .lastLanes = (run.columns - 1) % kLanes + 1,
                   .firstK = run.firstK,
                   .commonEnd = smaller(visibleOf(row), run.endK),
                   .ends = {},
                   .ask = {}};
  if (shape.wide) {
    unit.kStride = shape.paddedDim() * 4;
    unit.vectorStride = kLanes * 4;
    Value *base = ir.CreateMul(run.firstK, e.i64(-unit.kStride));
    unit.b = e.at(panel, ir.CreateAdd(base, ir.CreateShl(run.column, 2)));
  } else if (run.isFirst) {
    unit.ask = [&](Value *k) { askForValues(k); };
  }
  Emitter::Values outs, factors, before;
  Value *isStart = ir.CreateICmpEQ(run.firstK, e.i64(0));
  const auto lanesOf = [&](unsigned v) {
    return e.firstLanes(e.i64(v + 1 == unit.vectors ? unit.lastLanes : kLanes));
  };
  for (unsigned r = 0; r < height; ++r) {
    Value *at = existing(row, r), *visible = visibleOf(at), *record = recordOf(at);
    unit.a.push_back(e.at(record, shape.scores));
    unit.ends.push_back(smaller(visible, run.endK));
    Value *inverse = ir.CreateLoad(ir.getFloatTy(), e.at(record, shape.inverse));
    // A row's last run also divides by the sum of its probabilities.
    factors.push_back(ir.CreateSelect(ir.CreateICmpULE(visible, run.endK), inverse, one));
    outs.push_back(e.at(rowOf(attention::Out, at), ir.CreateShl(run.column, 2)));
    for (unsigned v = 0; v < unit.vectors; ++v) {
      Value *sum = ir.CreateMaskedLoad(e.vector(ir.getFloatTy()), e.at(outs[r], v * kLanes * 4),
                                       llvm::Align(4), lanesOf(v), zero);
      before.push_back(ir.CreateSelect(isStart, zero, sum));
    }
  }
  const Emitter::Values sums = products.sums(unit, before);
  for (unsigned i = 0; i < sums.size(); ++i) {
    const unsigned r = i / unit.vectors, v = i % unit.vectors;
    ir.CreateMaskedStore(ir.CreateFMul(sums[i], e.splat(factors[r])), e.at(outs[r], v * kLanes * 4),
                         llvm::Align(4), lanesOf(v));
  }
}

} // namespace

bool emitFusedAttention(llvm::Module &module, const IsaTable &isa, const std::string &name,
                        const Attention &attention, const std::vector<KernelOperand> &operands,
                        std::string &error) {
  const auto shape = FusedShape::of(attention, operands, isa, error);
  if (!shape)
    return false;
  Emitter emitter(module, isa, name, operands);
  FusedEmitter(emitter, attention, operands, *shape).run();
  emitter.finish();
  return true;
}

} // namespace llmc::target
