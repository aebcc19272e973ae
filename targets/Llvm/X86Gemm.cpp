#include "targets/Llvm/X86Gemm.h"

#include "llvm/IR/IntrinsicsX86.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::target {

using llvm::Value;

/// Columns whose codes for three blocks stay in a first-level cache of 48 KB, next to the rows.
static constexpr uint32_t usualRun = 1024;
static constexpr unsigned mostBlocks = 3;

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
  const uint64_t bytes = uint64_t(runColumns(layout)) * 16 * mostBlocks;
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
  const uint32_t step = runColumns(layout);
  const uint32_t columns = layout.sumsByGroup() // What lies behind the last group is padding.
                               ? std::min(layout.groups * layout.groupSize, layout.paddedColumns)
                               : layout.paddedColumns;
  e.loop(e.i64(0), e.i64(columns), step, [&](Value *first) {
    Run run;
    run.index = index;
    run.blocks = count;
    run.first = first;
    run.end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, ir.CreateAdd(first, e.i64(step)),
                                       e.i64(columns));
    run.isFirst =
        columns <= step ? static_cast<Value *>(ir.getTrue()) : ir.CreateICmpEQ(first, e.i64(0));
    run.isLast = columns <= step ? static_cast<Value *>(ir.getTrue())
                                 : ir.CreateICmpEQ(run.end, e.i64(columns));
    for (unsigned i = 0; i < count; ++i) {
      run.weights.push_back(block(ir.CreateAdd(index, e.i64(i))));
      run.codes.push_back(decoded ? e.at(decoded, uint64_t(i) * step * 16)
                                  : e.at(run.weights[i], ir.CreateMul(first, e.i64(16))));
      if (decoded)
        decode(run, i);
    }
    e.loop(e.i64(0), rows, height, [&](Value *row) {
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

Value *X86Gemm::unfinished(Value *row, Value *index, llvm::Type *element) {
  llvm::Type *type = e.vector(element);
  if (Value *lanes = outputLanes(index))
    return ir.CreateMaskedLoad(type, outputAt(row, index), llvm::Align(4), lanes,
                               llvm::Constant::getNullValue(type));
  return ir.CreateAlignedLoad(type, outputAt(row, index), llvm::Align(4));
}

void X86Gemm::put(Value *value, Value *row, Value *index) {
  if (Value *lanes = outputLanes(index))
    ir.CreateMaskedStore(value, outputAt(row, index), llvm::Align(4), lanes);
  else
    ir.CreateAlignedStore(value, outputAt(row, index), llvm::Align(4));
}

void X86Gemm::finishRow(const Run &run, Value *row, llvm::ArrayRef<Value *> sums) {
  const bool grouped = layout.sumsByGroup(), single = llvm::isa<llvm::Constant>(run.isLast);
  llvm::SmallVector<Value *, 4> totals(sums), indices;
  for (unsigned i = 0; i < run.blocks; ++i) {
    indices.push_back(ir.CreateAdd(run.index, e.i64(i)));
    if (grouped || single)
      continue;
    Value *before = unfinished(row, indices[i], ir.getInt32Ty());
    before = ir.CreateSelect(run.isFirst, llvm::Constant::getNullValue(before->getType()), before);
    totals[i] = ir.CreateAdd(totals[i], before);
  }
  e.when(run.isLast, [&] {
    Value *factor = ir.getInt32(dot.correction(bias()));
    Value *excess = grouped ? nullptr : ir.CreateMul(activationSum(row, e.i64(0)), factor);
    for (unsigned i = 0; i < run.blocks; ++i) {
      Value *value = totals[i];
      if (!grouped)
        value = accumulate(e.splat(e.f32(0)), ir.CreateSub(value, e.splat(excess)),
                           scales(run.weights[i], e.i64(0)));
      storeOutput(value, row, indices[i]);
    }
  });
  if (!single)
    e.when(ir.CreateNot(run.isLast), [&] {
      for (unsigned i = 0; i < run.blocks; ++i)
        put(totals[i], row, indices[i]);
    });
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
X86Gemm::Sums X86Gemm::groupSums(const Run &run, Value *row, Value *activations) {
  Value *size = e.i64(layout.groupSize), *lastRow = ir.CreateSub(rows, e.i64(1));
  Sums start;
  for (unsigned r = 0; r < height; ++r)
    for (unsigned i = 0; i < run.blocks; ++i) {
      Value *existing =
          ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, ir.CreateAdd(row, e.i64(r)), lastRow);
      Value *zero = e.splat(e.f32(0));
      start.push_back(llvm::isa<llvm::Constant>(run.isFirst)
                          ? zero
                          : ir.CreateSelect(run.isFirst, zero,
                                            unfinished(existing, ir.CreateAdd(run.index, e.i64(i)),
                                                       ir.getFloatTy())));
    }
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
  Sums sums(height * run.blocks, e.splat(ir.getInt32(0)));
  sums = layout.sumsByGroup()
             ? groupSums(run, row, activations)
             : columnSums(run, activations, e.i64(0), ir.CreateSub(run.end, run.first), sums);
  for (unsigned r = 0; r < height; ++r) {
    Value *at = ir.CreateAdd(row, e.i64(r));
    e.when(ir.CreateICmpULT(at, rows),
           [&] { finishRow(run, at, llvm::ArrayRef(sums).slice(r * run.blocks, run.blocks)); });
  }
}

} // namespace llmc::target
