#include "targets/Llvm/FusedAttention.h"

#include "targets/Llvm/CausalShares.h"
#include "targets/Llvm/Emitter.h"
#include "targets/Llvm/FusedBlock.h"
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

/// Rows that meet the panel of keys from `from` on, of which this is the unit `index`.
struct ScoreUnit {
  Value *from, *row, *index;
  unsigned height, vectors;
};

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
        attention(attention), operands(operands), shape(shape),
        position(e.argument(attention.positionArgument)), tokens(e.extent(attention.tokens)),
        panel(e.stack(shape.panelBytes)), joined(e.stack(shape.joinedBytes())),
        block(e, shape, position, e.stack(shape.arenaBytes())) {}

  void run();

private:
  void head(Value *first, Value *last);
  void attend();
  void weighBlock();

  void beginRow(Value *row);
  void scoreUnits(Value *from, Value *row, unsigned height, Value *index);
  void scoreUnit(const ScoreUnit &of);
  void valueRun(Value *firstK, Value *endK);
  ProductUnit valuesOf(const ValueRun &run);
  void valueUnit(const ValueRun &run, Value *row, unsigned height);

  uint64_t rowLines() const { return (shape.headDim * 2 + lineBytes - 1) / lineBytes; }
  void askForPanel(Value *from, Value *index, Value *k);
  void askForValues(Value *k);

  /// What its lanes became: the largest score, then the inverse of the sum.
  Value *joinedOf(Value *row) {
    return e.at(joined, ir.CreateShl(ir.CreateSub(row, block.first), 2));
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
  Value *const position, *const tokens, *const panel;
  Value *const joined; ///< By row of a block.
  FusedBlock block;    ///< At hand.
  Value *kvHead = nullptr;
  Value *nextKeys = nullptr; ///< Of the head that follows, if this part has rows of it.
};

void FusedEmitter::run() {
  Value *headRows = ir.CreateMul(tokens, e.i64(shape.subRows));
  e.when(ir.CreateICmpNE(tokens, e.i64(0)), [&] {
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
        return e.smaller(above, headRows);
      };
      head(within(begin), within(end));
    });
  });
}

void FusedEmitter::head(Value *first, Value *last) {
  e.walk(first, last, [&](Value *row) {
    block.begin(row, last);
    attend();
    return block.end;
  });
}

void FusedEmitter::attend() {
  Value *end = block.positions;
  e.loop(block.first, block.end, 1, [&](Value *row) { beginRow(row); });
  e.loop(e.i64(0), end, shape.vectors * kLanes, [&](Value *from) {
    panels.keys(panel, cached(attention::Keys), from, ir.CreateAdd(position, tokens));
    block.units(from, [&](Value *row, unsigned height, Value *index) {
      scoreUnits(from, row, height, index);
    });
  });
  weighBlock();
  e.loop(e.i64(0), end, shape.valueRun, [&](Value *firstK) {
    Value *endK = e.smaller(ir.CreateAdd(firstK, e.i64(shape.valueRun)), end);
    if (shape.wide)
      panels.values(panel, cached(attention::Values), firstK, endK);
    valueRun(firstK, endK);
  });
}

/// Scores become weights, in passes over all rows: no row waits for what another ends with, and
/// what becomes of a row's lanes is found for 16 rows at once.
void FusedEmitter::weighBlock() {
  const llvm::Align whole(64);
  llvm::Type *type = e.vector(ir.getFloatTy());
  const auto lanesOf = [&](Value *row) { return e.at(block.recordOf(row), shape.partials); };
  const auto scoresOf = [&](Value *row) { return e.at(block.recordOf(row), shape.scores); };
  const auto join = [&](llvm::function_ref<Value *(const Emitter::Values &)> of) {
    e.loop(block.first, block.end, kLanes, [&](Value *row) {
      Emitter::Values rows;
      for (unsigned i = 0; i < kLanes; ++i)
        rows.push_back(ir.CreateAlignedLoad(type, lanesOf(block.existing(row, i)), whole));
      ir.CreateAlignedStore(of(rows), joinedOf(row), whole);
    });
  };
  e.loop(block.first, block.end, 1, [&](Value *row) {
    Value *largest = softmax.largest(scoresOf(row), block.visibleOf(row));
    ir.CreateAlignedStore(largest, lanesOf(row), whole);
  });
  join([&](const Emitter::Values &rows) { return softmax.largestOf(rows); });
  e.loop(block.first, block.end, 1, [&](Value *row) {
    Value *largest = ir.CreateLoad(ir.getFloatTy(), joinedOf(row));
    Value *sums = softmax.weigh(scoresOf(row), block.visibleOf(row), largest);
    ir.CreateAlignedStore(sums, lanesOf(row), whole);
  });
  join([&](const Emitter::Values &rows) { return softmax.inverses(rows); });
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
  Value *base = ir.CreateSelect(ir.CreateICmpULT(next, block.positions),
                                e.at(cached(attention::Keys), ir.CreateMul(next, e.i64(stride))),
                                cached(attention::Values));
  Value *first =
      ir.CreateMul(ir.CreateAdd(ir.CreateMul(index, e.i64(shape.headDim)), k), e.i64(some));
  for (uint64_t i = 0; i < some; ++i) {
    Value *line = ir.CreateAdd(first, e.i64(i));
    line = e.smaller(line, e.i64(lines - 1));
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
  Value *from =
      ir.CreateSelect(ir.CreateICmpULT(ahead, block.positions),
                      row(cached(attention::Values), ahead, attention::Values),
                      row(nextKeys, ir.CreateSub(ahead, block.positions), attention::Keys));
  for (uint64_t line = 0; line < rowLines(); ++line)
    e.prefetch(e.at(from, line * lineBytes));
}

Value *FusedEmitter::rowOf(unsigned operand, Value *row) {
  const KernelOperand &where = operands[operand];
  Value *sub = ir.CreateURem(row, e.i64(shape.subRows));
  Value *query = ir.CreateAdd(ir.CreateMul(kvHead, e.i64(shape.subRows)), sub);
  return e.at(e.operand(operand),
              ir.CreateAdd(ir.CreateMul(block.tokenOf(row), e.i64(where.tokenStride)),
                           ir.CreateMul(query, e.i64(where.subStride))));
}

/// What a record begins with.
void FusedEmitter::beginRow(Value *row) {
  Value *from = rowOf(attention::Queries, row), *to = block.recordOf(row);
  ir.CreateStore(rowOf(attention::Out, row), e.at(to, shape.out));
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

/// Of as many vectors as the last row sees.
void FusedEmitter::scoreUnits(Value *from, Value *row, unsigned height, Value *index) {
  if (shape.vectors == 1 || !shape.wide || height < shape.height)
    return scoreUnit({from, row, index, height, shape.vectors});
  Value *seen = ir.CreateSub(block.visibleOf(block.existing(row, height - 1)), from);
  for (unsigned vectors = 1; vectors <= shape.vectors; ++vectors) {
    Value *some = ir.CreateICmpUGT(seen, e.i64((vectors - 1) * kLanes));
    Value *all = ir.CreateICmpULE(seen, e.i64(vectors * kLanes));
    e.when(vectors < shape.vectors ? ir.CreateAnd(some, all) : some,
           [&] { scoreUnit({from, row, index, height, vectors}); });
  }
}

void FusedEmitter::scoreUnit(const ScoreUnit &of) {
  const auto [from, row, index, height, vectors] = of;
  Value *zero = e.splat(e.f32(0.0f)), *scale = e.splat(e.f32(attention.scale));
  ProductUnit unit{.a = {},
                   .b = panel,
                   .wide = shape.wide,
                   .kStride = shape.groupBytes / shape.paddedDim(),
                   .vectorStride = shape.groupBytes,
                   .vectors = vectors,
                   .lastLanes = kLanes,
                   .firstK = e.i64(0),
                   .commonEnd = e.i64(shape.headDim),
                   .ends = {},
                   .ask = {}};
  if (!shape.wide)
    unit.ask = [&](Value *k) { askForPanel(of.from, of.index, k); };
  for (unsigned r = 0; r < height; ++r)
    unit.a.push_back(block.recordOf(block.existing(row, r)));
  const Emitter::Values sums = products.sums(unit, Emitter::Values(size_t(height) * vectors, zero));
  for (unsigned i = 0; i < sums.size(); ++i) {
    Value *to = e.at(unit.a[i / vectors], shape.scores + i % vectors * kLanes * 4);
    ir.CreateAlignedStore(ir.CreateFMul(sums[i], scale), e.at(to, ir.CreateShl(from, 2)),
                          llvm::Align(64));
  }
}

/// Sums of the positions of one run, for every row that sees one of them.
void FusedEmitter::valueRun(Value *firstK, Value *endK) {
  const uint32_t width = shape.vectors * kLanes, rest = shape.headDim % width;
  const auto columns = [&](Value *column, uint32_t count, bool isFirst) {
    block.units(firstK, [&](Value *row, unsigned height, Value *) {
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

/// What the rows of a unit meet.
ProductUnit FusedEmitter::valuesOf(const ValueRun &run) {
  ProductUnit unit{.a = {},
                   .b = e.at(cached(attention::Values), ir.CreateShl(run.column, 1)),
                   .wide = shape.wide,
                   .kStride = operands[attention::Values].tokenStride,
                   .vectorStride = kLanes * 2,
                   .vectors = (run.columns + kLanes - 1) / kLanes,
                   .lastLanes = (run.columns - 1) % kLanes + 1,
                   .firstK = run.firstK,
                   .commonEnd = run.endK,
                   .ends = {},
                   .ask = {}};
  if (shape.wide) {
    unit.kStride = shape.paddedDim() * 4;
    unit.vectorStride = kLanes * 4;
    Value *base = ir.CreateMul(run.firstK, e.i64(-unit.kStride));
    unit.b = e.at(panel, ir.CreateAdd(base, ir.CreateShl(run.column, 2)));
  } else if (run.isFirst) {
    unit.ask = [this](Value *k) { askForValues(k); };
  }
  return unit;
}

void FusedEmitter::valueUnit(const ValueRun &run, Value *row, unsigned height) {
  ProductUnit unit = valuesOf(run);
  unit.commonEnd = e.smaller(block.visibleOf(row), run.endK);
  Value *zero = e.splat(e.f32(0.0f)), *isStart = ir.CreateICmpEQ(run.firstK, e.i64(0));
  const auto lanesOf = [&](unsigned v) {
    return e.firstLanes(e.i64(v + 1 == unit.vectors ? unit.lastLanes : kLanes));
  };
  Emitter::Values outs, factors, before;
  for (unsigned r = 0; r < height; ++r) {
    Value *at = block.existing(row, r), *visible = block.visibleOf(at);
    Value *record = block.recordOf(at);
    unit.a.push_back(e.at(record, shape.scores));
    unit.ends.push_back(e.smaller(visible, run.endK));
    Value *inverse = ir.CreateLoad(ir.getFloatTy(), joinedOf(at));
    // A row's last run also divides by the sum of its weights.
    factors.push_back(ir.CreateSelect(ir.CreateICmpULE(visible, run.endK), inverse, e.f32(1.0f)));
    Value *out = ir.CreateLoad(ir.getPtrTy(), e.at(record, shape.out));
    outs.push_back(e.at(out, ir.CreateShl(run.column, 2)));
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
