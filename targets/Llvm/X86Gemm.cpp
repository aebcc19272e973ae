#include "targets/Llvm/X86Gemm.h"

#include "llvm/IR/IntrinsicsX86.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::target {

using llvm::Value;

/// Columns whose codes stay in a first-level cache, next to the rows.
static constexpr uint32_t usualRun = 512;
static constexpr unsigned mostBlocks = 3;
/// Rows whose unfinished sums wait on the stack; a multiple of every unit's height.
static constexpr uint64_t mostRows = 512;

X86Gemm::X86Gemm(const X86Linear &linear)
    : X86Linear(linear), packed(X86PackedRows::of(e.isa, layout.columns,
                                                  layout.sumsByGroup() ? layout.format.group : 0)) {
  const bool avx2 = e.isa.dot == DotKind::MaddUbs;
  // Units of which all sums stay in registers: 24 of 32, or 8 of 16; groups have a second sum for
  // each.
  height = packed.tiles ? 32 : (avx2 ? 4 : 8) / (layout.sumsByGroup() ? 2 : 1);
  width = packed.tiles ? 2 : avx2 ? 1 : mostBlocks;
}

uint32_t X86Gemm::runColumns(const X86WeightLayout &layout) {
  if (layout.groups == 1)
    return usualRun;
  return std::max(1u, usualRun / layout.groupSize) * layout.groupSize;
}

bool X86Gemm::fits(const X86WeightLayout &layout, uint64_t rows, std::string &error) {
  const uint64_t bytes = (uint64_t(runColumns(layout)) * 16 + mostRows * 64) * mostBlocks;
  if (rows <= 1 || layout.format.element == ElementType::I8 || bytes <= kKernelStackBytes)
    return true;
  error =
      fmt::format("linear: groups of {} columns take {} bytes of stack to decode, the limit is {}",
                  layout.groupSize, bytes, kKernelStackBytes);
  return false;
}

void X86Gemm::run() {
  rows = ir.CreateMul(e.extent(matmul.tokens), e.i64(matmul.subRows));
  if (layout.format.element == ElementType::I4)
    decoded = e.stack(uint64_t(runColumns(layout)) * 16 * width);
  partial = e.stack(mostRows * width * 64);
  if (packed.tiles)
    configureTiles();
  const auto [first, end] = e.share(blockCount());
  Value *whole = ir.CreateAdd(
      first, ir.CreateMul(ir.CreateUDiv(ir.CreateSub(end, first), e.i64(width)), e.i64(width)));
  e.loop(first, whole, width, [&](Value *index) { blocks(index, width); });
  if (width > 1)
    e.loop(whole, end, 1, [&](Value *index) { blocks(index, 1); });
  if (packed.tiles)
    ir.CreateIntrinsic(llvm::Intrinsic::x86_tilerelease, {});
}

void X86Gemm::blocks(Value *index, unsigned count) {
  e.loop(e.i64(0), rows, mostRows, [&](Value *firstRow) {
    Run run;
    run.firstRow = firstRow;
    run.endRow = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin,
                                          ir.CreateAdd(firstRow, e.i64(mostRows)), rows);
    run.index = index;
    run.blocks = count;
    rowsOf(run);
  });
}

void X86Gemm::rowsOf(Run run) {
  const uint32_t step = runColumns(layout);
  const uint32_t columns = layout.sumsByGroup() // What lies behind the last group is padding.
                               ? std::min(layout.groups * layout.groupSize, layout.paddedColumns)
                               : layout.paddedColumns;
  for (unsigned i = 0; i < run.blocks; ++i)
    run.weights.push_back(block(ir.CreateAdd(run.index, e.i64(i))));
  e.loop(e.i64(0), e.i64(columns), step, [&](Value *first) {
    const bool one = columns <= step;
    run.first = first;
    run.end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, ir.CreateAdd(first, e.i64(step)),
                                       e.i64(columns));
    run.isFirst = one ? ir.getTrue() : ir.CreateICmpEQ(first, e.i64(0));
    run.isLast = one ? ir.getTrue() : ir.CreateICmpEQ(run.end, e.i64(columns));
    run.codes.clear();
    for (unsigned i = 0; i < run.blocks; ++i) {
      run.codes.push_back(decoded ? e.at(decoded, uint64_t(i) * step * 16)
                                  : e.at(run.weights[i], ir.CreateMul(first, e.i64(16))));
      if (decoded)
        decode(run, i);
    }
    e.loop(run.firstRow, run.endRow, height, [&](Value *row) {
      if (packed.tiles)
        tileUnit(run, row);
      else
        vectorUnit(run, row);
    });
  });
}

/// Codes of 4 columns: of a nibble u, or 128 + m * (u - 8), which is m * u + (128 - 8 * m) in
/// bytes: m * u fits one, so both bytes of a word are multiplied at once.
Value *X86Gemm::decodedCodes(Value *from, Value *column, Value *weights, bool half) {
  Value *nibbles = codes(from, half);
  if (!layout.hasMultipliers())
    return nibbles;
  Value *m = multipliers(weights, ir.CreateUDiv(column, e.i64(layout.groupSize)));
  Value *m2 = ir.CreateOr(m, ir.CreateShl(m, 16));
  llvm::Type *words = e.vector(ir.getInt16Ty(), 32), *bytes = e.vector(ir.getInt8Ty(), 64);
  Value *products = ir.CreateMul(ir.CreateBitCast(nibbles, words), ir.CreateBitCast(m2, words));
  Value *offset = ir.CreateSub(e.splat(ir.getInt32(128)), ir.CreateShl(m, 3)); // 0 ... 120: a byte.
  Value *spread = ir.CreateMul(offset, e.splat(ir.getInt32(0x01010101)));
  return ir.CreateAdd(ir.CreateBitCast(products, bytes), ir.CreateBitCast(spread, bytes));
}

/// Groups of padding have multipliers out of what follows in the block: they meet zeros.
void X86Gemm::decode(const Run &run, unsigned block) {
  e.loop(run.first, run.end, 8, [&](Value *column) {
    Value *from = e.at(run.weights[block], ir.CreateShl(column, 3));
    Value *to = e.at(run.codes[block], ir.CreateShl(ir.CreateSub(column, run.first), 4));
    for (bool half : {false, true})
      ir.CreateAlignedStore(decodedCodes(from, column, run.weights[block], half),
                            e.at(to, half ? 64 : 0), llvm::Align(64));
  });
}

Value *X86Gemm::panelOf(Value *row) {
  Value *panel = ir.CreateUDiv(row, e.i64(packed.panelRows));
  return e.at(e.operand(matmul::A), ir.CreateMul(panel, e.i64(packed.panelBytes)));
}

Value *X86Gemm::activationSum(Value *row, Value *group) {
  Value *lane = ir.CreateURem(row, e.i64(packed.panelRows));
  Value *index = ir.CreateAdd(ir.CreateMul(group, e.i64(packed.panelRows)), lane);
  Value *at = e.at(panelOf(row), ir.CreateAdd(ir.CreateShl(index, 2), e.i64(packed.sums)));
  return ir.CreateLoad(ir.getInt32Ty(), at);
}

Value *X86Gemm::unfinished(const Run &run, Value *row, unsigned block) {
  Value *at = ir.CreateSub(row, run.firstRow);
  if (!packed.tiles)
    return e.at(partial, ir.CreateAdd(ir.CreateMul(at, e.i64(width * 64)), e.i64(block * 64)));
  Value *tile = ir.CreateAdd(ir.CreateMul(ir.CreateLShr(at, e.i64(4)), e.i64(width)), e.i64(block));
  Value *line = ir.CreateShl(ir.CreateAnd(at, e.i64(15)), 6);
  return e.at(partial, ir.CreateAdd(ir.CreateShl(tile, 10), line));
}

/// A unit's outputs lie on as many pages as it has rows, where no hardware looks ahead.
void X86Gemm::prefetchOutputs(const Run &run, Value *row) {
  e.when(run.isLast, [&] {
    for (unsigned r = 0; r < height; ++r)
      for (unsigned i = 0; i < run.blocks; ++i)
        e.prefetch(outputAt(ir.CreateAdd(row, e.i64(r)), ir.CreateAdd(run.index, e.i64(i))));
  });
}

void X86Gemm::finishRow(const Run &run, Value *row, llvm::ArrayRef<Value *> sums) {
  const bool grouped = layout.sumsByGroup();
  Value *factor = ir.getInt32(dot.correction(bias()));
  Value *excess = grouped ? nullptr : ir.CreateMul(activationSum(row, e.i64(0)), factor);
  for (unsigned i = 0; i < run.blocks; ++i) {
    Value *value = sums[i];
    if (!grouped)
      value = accumulate(e.splat(e.f32(0)), ir.CreateSub(value, e.splat(excess)),
                         scales(run.weights[i], e.i64(0)));
    storeOutput(value, row, ir.CreateAdd(run.index, e.i64(i)));
  }
}

/// sums + codes . activations of columns [first, end), relative to the run.
X86Gemm::Sums X86Gemm::columnSums(const Run &run, Value *activations, Value *first, Value *end,
                                  Sums sums) {
  const Emitter::Values last =
      e.loop(first, end, 8, sums, [&](Value *column, llvm::ArrayRef<Value *> state) {
        Emitter::Values next(state.begin(), state.end());
        for (uint32_t four = 0; four < 8; four += 4) {
          llvm::SmallVector<Value *, 4> code;
          for (unsigned i = 0; i < run.blocks; ++i)
            code.push_back(ir.CreateAlignedLoad(
                e.vector(ir.getInt8Ty(), 64),
                e.at(run.codes[i], ir.CreateShl(ir.CreateAdd(column, e.i64(four)), 4)),
                llvm::Align(64)));
          Value *panel = e.at(activations, ir.CreateMul(ir.CreateAdd(column, e.i64(four)),
                                                        e.i64(packed.panelRows)));
          for (unsigned r = 0; r < height; ++r) {
            Value *a = ir.CreateAlignedLoad(ir.getInt32Ty(), e.at(panel, r * 4), llvm::Align(4));
            for (unsigned i = 0; i < run.blocks; ++i) {
              Value *&sum = next[r * run.blocks + i];
              sum = dot.add(sum, code[i], a, bias());
            }
          }
        }
        return next;
      });
  return Sums(last.begin(), last.end());
}

/// fp32 sums of a unit over the groups of a run; those of earlier runs come first.
X86Gemm::Sums X86Gemm::groupSums(const Run &run, Value *row, Value *activations, Sums start) {
  Value *size = e.i64(layout.groupSize);
  Value *firstGroup = ir.CreateUDiv(run.first, size);
  Value *endGroup = ir.CreateUDiv(ir.CreateAdd(run.end, e.i64(layout.groupSize - 1)), size);
  const Emitter::Values last =
      e.loop(firstGroup, endGroup, 1, start, [&](Value *group, llvm::ArrayRef<Value *> state) {
        Sums dots;
        Value *factor = ir.getInt32(dot.correction(bias()));
        for (unsigned r = 0; r < height; ++r) {
          Value *sum = activationSum(ir.CreateAdd(row, e.i64(r)), group);
          dots.append(run.blocks, e.splat(ir.CreateNeg(ir.CreateMul(sum, factor))));
        }
        Value *from = ir.CreateSub(ir.CreateMul(group, size), run.first);
        Value *to = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, ir.CreateAdd(from, size),
                                             ir.CreateSub(run.end, run.first));
        dots = columnSums(run, activations, from, to, dots);
        Emitter::Values next;
        for (unsigned i = 0; i < dots.size(); ++i)
          next.push_back(accumulate(state[i], dots[i], scales(run.weights[i % run.blocks], group)));
        return next;
      });
  return Sums(last.begin(), last.end());
}

void X86Gemm::vectorUnit(const Run &run, Value *row) {
  Value *lane = ir.CreateURem(row, e.i64(packed.panelRows));
  Value *activations = e.at(panelOf(row), ir.CreateShl(lane, 2));
  activations = e.at(activations, ir.CreateMul(run.first, e.i64(packed.panelRows)));
  prefetchOutputs(run, row);
  const bool grouped = layout.sumsByGroup(), one = isOneRun(run);
  llvm::Type *type = e.vector(grouped ? ir.getFloatTy() : ir.getInt32Ty());
  Sums sums(height * run.blocks, llvm::Constant::getNullValue(type));
  const auto waiting = [&](unsigned index) {
    return unfinished(run, ir.CreateAdd(row, e.i64(index / run.blocks)), index % run.blocks);
  };
  for (unsigned index = 0; !one && index < sums.size(); ++index) {
    Value *before = ir.CreateAlignedLoad(type, waiting(index), llvm::Align(64));
    sums[index] = ir.CreateSelect(run.isFirst, sums[index], before);
  }
  sums = grouped ? groupSums(run, row, activations, sums)
                 : columnSums(run, activations, e.i64(0), ir.CreateSub(run.end, run.first), sums);
  if (!one)
    e.when(ir.CreateNot(run.isLast), [&] {
      for (unsigned index = 0; index < sums.size(); ++index)
        ir.CreateAlignedStore(sums[index], waiting(index), llvm::Align(64));
    });
  e.when(run.isLast, [&] {
    for (unsigned r = 0; r < height; ++r) {
      Value *at = ir.CreateAdd(row, e.i64(r));
      e.when(ir.CreateICmpULT(at, rows),
             [&] { finishRow(run, at, llvm::ArrayRef(sums).slice(r * run.blocks, run.blocks)); });
    }
  });
}

} // namespace llmc::target
