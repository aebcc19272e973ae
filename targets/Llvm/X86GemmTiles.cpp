// The AMX unit: 32 rows by 32 outputs in four tiles of sums.
#include "targets/Llvm/X86Gemm.h"

#include "llvm/IR/IntrinsicsX86.h"

#include <algorithm>
#include <array>

namespace llmc::target {

using llvm::Value;

namespace {

constexpr unsigned tileRows = 16;
constexpr uint64_t tileBytes = 1024, tileColumns = 64;
constexpr uint8_t firstRows = 4, firstCodes = 6; ///< Tiles 0 ... 3 hold sums, [row half][block].
/// Columns whose codes stay in a first-level cache; rows, and the codes behind, pass it by.
constexpr uint64_t nearColumns = 1088;

} // namespace

/// Palette 1, eight tiles of 16 rows of 64 bytes.
void X86Gemm::configureTiles() {
  finished = e.stack(2 * 4 * tileBytes);
  idle = e.stack(64);
  Value *config = e.stack(64);
  std::array<uint8_t, 64> bytes{};
  bytes[0] = 1;
  for (unsigned tile = 0; tile < 8; ++tile) {
    bytes[16 + 2 * tile] = 64;
    bytes[48 + tile] = tileRows;
  }
  ir.CreateAlignedStore(llvm::ConstantDataVector::get(ir.getContext(), bytes), config,
                        llvm::Align(64));
  ir.CreateIntrinsic(llvm::Intrinsic::x86_ldtilecfg, {config});
}

/// Sums of tile `index` over the runs so far. Whole ones lie apart, so that they stay in the
/// nearest cache: those of one unit while the next is multiplied.
Value *X86Gemm::waitingTile(const Run &run, Value *row, unsigned index) {
  if (run.isLast) {
    Value *parity = ir.CreateAnd(row, e.i64(height));
    return e.at(finished, ir.CreateAdd(ir.CreateMul(parity, e.i64(128)), e.i64(index * tileBytes)));
  }
  Value *unit = ir.CreateMul(ir.CreateSub(row, run.firstRow), e.i64(width * 64));
  return e.at(partial, ir.CreateAdd(unit, e.i64(index * tileBytes)));
}

void X86Gemm::tileUnits(const Run &run) {
  tileUnit(run, run.firstRow, true);
  e.loop(ir.CreateAdd(run.firstRow, e.i64(height)), run.endRow, height,
         [&](Value *row) { tileUnit(run, row, false); });
  if (!run.isLast)
    return;
  Value *unit = ir.CreateAnd(ir.CreateSub(run.endRow, e.i64(1)), e.i64(~uint64_t(height - 1)));
  e.loop(unit, run.endRow, 1, [&](Value *row) { finishTileRow(run, row); });
}

/// The first unit of a run decodes the weights that all of them read. The sums of every other one's
/// predecessor are finished meanwhile. Where a run is long, a tile is stored in between: after
/// about 1,200 cycles without a tile store the next takes 1,000 more.
void X86Gemm::tileUnit(const Run &run, Value *row, bool isFirst) {
  const unsigned tiles = 2 * run.blocks;
  const auto each = [&](llvm::Intrinsic::ID operation, const Run &where) {
    for (unsigned index = 0; index < tiles; ++index)
      ir.CreateIntrinsic(operation, {tile(index), waitingTile(where, row, index), e.i64(64)});
  };
  e.when(run.isFirst, [&] {
    for (unsigned index = 0; index < tiles; ++index)
      ir.CreateIntrinsic(llvm::Intrinsic::x86_tilezero, {tile(index)});
  });
  Run before = run;
  before.isLast = false;
  if (partial)
    e.when(ir.CreateNot(run.isFirst), [&] { each(llvm::Intrinsic::x86_tileloaddt164, before); });
  Value *size = ir.CreateSub(run.end, run.first);
  const bool decodes = isFirst && decoded;
  if (decodes)
    decode(run, e.i64(0), e.i64(tileColumns));
  const auto step = [&](Value *column, bool isNear) {
    if (decodes) { // One tile ahead of the products, which go on meanwhile.
      Value *next = ir.CreateAdd(column, e.i64(tileColumns));
      Value *end = ir.CreateAdd(column, e.i64(2 * tileColumns));
      decode(run, next, e.smaller(end, size));
    }
    prefetchWeights(run, row, column);
    multiplyTiles(run, row, column, isNear);
    if (run.isLast)
      eachOfUnit(column, [&](Value *line) { prefetchOutput(run, ir.CreateAdd(row, line)); });
    if (run.isLast && !isFirst)
      finishBefore(run, row, column);
  };
  Value *near = e.smaller(size, e.i64(nearColumns));
  e.loop(e.i64(0), near, tileColumns, [&](Value *column) { step(column, true); });
  if (runSize > nearColumns) {
    ir.CreateIntrinsic(llvm::Intrinsic::x86_tilestored64, {tile(firstRows), idle, e.i64(0)});
    e.loop(near, size, tileColumns, [&](Value *column) { step(column, false); });
  }
  each(llvm::Intrinsic::x86_tilestored64, run);
}

/// Rows pass by the first-level cache, where the codes stay that all rows meet.
void X86Gemm::multiplyTiles(const Run &run, Value *row, Value *column, bool isNear) {
  Value *at = ir.CreateShl(column, 4);
  Value *lastRow = ir.CreateSub(rows, e.i64(1));
  const auto load = [&](llvm::Intrinsic::ID how, unsigned to, Value *from) {
    ir.CreateIntrinsic(how, {tile(to), from, e.i64(64)});
  };
  for (unsigned half = 0; half < 2; ++half) {
    // Where there is no second panel the first is taken again; its rows are not stored.
    Value *from = e.smaller(ir.CreateAdd(row, e.i64(half * tileRows)), lastRow);
    Value *panel = e.at(panelOf(from), ir.CreateMul(run.first, e.i64(tileRows)));
    load(llvm::Intrinsic::x86_tileloaddt164, firstRows + half, e.at(panel, at));
  }
  for (unsigned i = 0; i < run.blocks; ++i)
    load(isNear ? llvm::Intrinsic::x86_tileloadd64 : llvm::Intrinsic::x86_tileloaddt164,
         firstCodes + i, e.at(run.codes[i], at));
  for (unsigned half = 0; half < 2; ++half)
    for (unsigned i = 0; i < run.blocks; ++i)
      ir.CreateIntrinsic(
          llvm::Intrinsic::x86_tdpbsud,
          {tile(half * run.blocks + i), tile(firstRows + half), tile(firstCodes + i)});
}

/// The unit before is finished while this one is multiplied.
void X86Gemm::finishBefore(const Run &run, Value *row, Value *column) {
  Value *before = ir.CreateSub(row, e.i64(height));
  eachOfUnit(column, [&](Value *line) { finishTileRow(run, ir.CreateAdd(before, line)); });
}

void X86Gemm::finishTileRow(const Run &run, Value *row) {
  Value *unit = ir.CreateAnd(row, e.i64(~uint64_t(height - 1)));
  Value *half = ir.CreateAnd(ir.CreateLShr(row, 4), e.i64(1));
  Value *line = ir.CreateAdd(ir.CreateMul(half, e.i64(run.blocks * tileBytes)),
                             ir.CreateShl(ir.CreateAnd(row, e.i64(15)), 6));
  llvm::SmallVector<Value *, 2> sums;
  for (unsigned i = 0; i < run.blocks; ++i)
    sums.push_back(ir.CreateAlignedLoad(e.vector(ir.getInt32Ty()),
                                        e.at(waitingTile(run, unit, i), line), llvm::Align(64)));
  finishRow(run, row, sums);
}

} // namespace llmc::target
