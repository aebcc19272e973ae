// The AMX unit: 32 rows by 32 outputs in four tiles of sums.
#include "targets/Llvm/X86Gemm.h"

#include "llvm/IR/IntrinsicsX86.h"

namespace llmc::target {

using llvm::Value;

namespace {

constexpr unsigned tileRows = 16;
constexpr uint8_t firstRows = 4, firstCodes = 6; ///< Tiles 0 ... 3 hold sums, [row half][block].

} // namespace

/// Palette 1, eight tiles of 16 rows of 64 bytes.
void X86Gemm::configureTiles() {
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

void X86Gemm::tileUnit(const Run &run, Value *row) {
  prefetchOutputs(run, row);
  const auto tile = [&](unsigned index) { return ir.getInt8(uint8_t(index)); };
  Value *stride = e.i64(64);
  Value *lastRow = ir.CreateSub(rows, e.i64(1));
  // Where there is no second panel the first is taken again; its rows are not stored.
  Value *second =
      ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, ir.CreateAdd(row, e.i64(tileRows)), lastRow);
  Value *offset = ir.CreateMul(run.first, e.i64(tileRows));
  Value *panels[] = {e.at(panelOf(row), offset), e.at(panelOf(second), offset)};
  const auto waiting = [&](unsigned index) {
    Value *first = ir.CreateAdd(row, e.i64(index / run.blocks * tileRows));
    return unfinished(run, first, index % run.blocks);
  };
  e.when(run.isFirst, [&] {
    for (unsigned index = 0; index < 2 * run.blocks; ++index)
      ir.CreateIntrinsic(llvm::Intrinsic::x86_tilezero, {tile(index)});
  });
  e.when(ir.CreateNot(run.isFirst), [&] {
    for (unsigned index = 0; index < 2 * run.blocks; ++index)
      ir.CreateIntrinsic(llvm::Intrinsic::x86_tileloadd64, {tile(index), waiting(index), stride});
  });
  e.loop(e.i64(0), ir.CreateSub(run.end, run.first), 64, [&](Value *column) {
    Value *at = ir.CreateShl(column, 4);
    for (unsigned i = 0; i < run.blocks; ++i)
      ir.CreateIntrinsic(llvm::Intrinsic::x86_tileloadd64,
                         {tile(firstCodes + i), e.at(run.codes[i], at), stride});
    for (unsigned half = 0; half < 2; ++half) {
      ir.CreateIntrinsic(llvm::Intrinsic::x86_tileloadd64,
                         {tile(firstRows + half), e.at(panels[half], at), stride});
      for (unsigned i = 0; i < run.blocks; ++i)
        ir.CreateIntrinsic(
            llvm::Intrinsic::x86_tdpbsud,
            {tile(half * run.blocks + i), tile(firstRows + half), tile(firstCodes + i)});
    }
  });
  for (unsigned index = 0; index < 2 * run.blocks; ++index)
    ir.CreateIntrinsic(llvm::Intrinsic::x86_tilestored64, {tile(index), waiting(index), stride});
  e.when(run.isLast, [&] {
    Value *end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin,
                                          ir.CreateAdd(row, e.i64(2 * tileRows)), rows);
    e.loop(row, end, 1, [&](Value *at) {
      llvm::SmallVector<Value *, 2> sums;
      for (unsigned i = 0; i < run.blocks; ++i)
        sums.push_back(ir.CreateAlignedLoad(e.vector(ir.getInt32Ty()), unfinished(run, at, i),
                                            llvm::Align(64)));
      finishRow(run, at, sums);
    });
  });
}

} // namespace llmc::target
