// The unit of AVX-512 and AVX2: a few rows by a few blocks of 16 outputs, whose sums stay in
// registers.
#include "targets/Llvm/X86Gemm.h"

namespace llmc::target {

using llvm::Value;

/// Memory is asked for evenly, that the reading of rows never waits behind it: at each step some
/// weights of the next run and outputs of the next unit.
void X86Gemm::prefetchAhead(const Run &run, Value *row, Value *column) {
  prefetchWeights(run, row, column);
  if (run.isLast && !run.isGates)
    eachOfUnit(column, [&](Value *line) {
      prefetchOutput(run, ir.CreateAdd(row, ir.CreateAdd(line, e.i64(height))));
    });
}

/// int32 sums of a unit over the columns of a run; those of earlier runs come first.
X86Gemm::Sums X86Gemm::runSums(const Run &run, Value *row, Value *activations, Sums start) {
  const Emitter::Values last =
      e.loop(e.i64(0), ir.CreateSub(run.end, run.first), stepColumns(), start,
             [&](Value *column, llvm::ArrayRef<Value *> state) {
               prefetchAhead(run, row, column);
               const Sums next =
                   columnSums(run, activations, column, ir.CreateAdd(column, e.i64(stepColumns())),
                              Sums(state));
               return Emitter::Values(next.begin(), next.end());
             });
  return Sums(last.begin(), last.end());
}

/// sums + codes . activations of columns [first, end), relative to the run.
X86Gemm::Sums X86Gemm::columnSums(const Run &run, Value *activations, Value *first, Value *end,
                                  Sums sums) {
  const Emitter::Values last =
      e.loop(first, end, 8, sums, [&](Value *column, llvm::ArrayRef<Value *> state) {
        const Sums next = eightColumns(run, activations, column, Sums(state));
        return Emitter::Values(next.begin(), next.end());
      });
  return Sums(last.begin(), last.end());
}

X86Gemm::Sums X86Gemm::eightColumns(const Run &run, Value *activations, Value *column, Sums sums) {
  for (uint32_t four = 0; four < 8; four += 4) {
    Value *at = ir.CreateAdd(column, e.i64(four));
    llvm::SmallVector<Value *, 4> code;
    for (unsigned i = 0; i < run.blocks; ++i)
      code.push_back(ir.CreateAlignedLoad(
          e.vector(ir.getInt8Ty(), 64), e.at(run.codes[i], ir.CreateShl(at, 4)), llvm::Align(64)));
    Value *panel = e.at(activations, ir.CreateMul(at, e.i64(packed.panelRows)));
    for (unsigned r = 0; r < height; ++r) {
      Value *a = ir.CreateAlignedLoad(ir.getInt32Ty(), e.at(panel, r * 4), llvm::Align(4));
      for (unsigned i = 0; i < run.blocks; ++i) {
        Value *&sum = sums[r * run.blocks + i];
        sum = dot.add(sum, code[i], a, bias());
      }
    }
  }
  return sums;
}

bool X86Gemm::startsHigh() const {
  const uint64_t most = layout.format.element == ElementType::I4 ? 8 : 127;
  return e.isa.fusedMultiplyAdd && layout.format.scale == ScaleKind::F16Group &&
         layout.groupSize * most * 127 < (1u << 22);
}

/// Scales of the groups of a run as all rows use them: fp32, and behind each, where sums start at
/// 1.5 * 2^23, what that makes of it with the other sign.
void X86Gemm::prepareScales(const Run &run) {
  for (unsigned i = 0; i < run.blocks; ++i)
    e.loop(firstGroup(run), endGroup(run), 1, [&](Value *group) {
      Value *at = preparedScale(run, group, i), *scale = scales(run.weights[i], group);
      ir.CreateAlignedStore(scale, at, llvm::Align(64));
      if (startsHigh())
        ir.CreateAlignedStore(ir.CreateFMul(scale, e.splat(e.f32(-highStart))), e.at(at, 64),
                              llvm::Align(64));
    });
}

/// Where dot products start: from 0 or 1.5 * 2^23 less what they count too much.
Value *X86Gemm::startOf(Value *sums) {
  llvm::Type *type = sums->getType();
  Value *zero =
      llvm::ConstantInt::get(type, startsHigh() ? llvm::bit_cast<uint32_t>(highStart) : 0);
  Value *factor = llvm::ConstantInt::get(type, dot.correction(bias()));
  return ir.CreateSub(zero, ir.CreateMul(sums, factor));
}

/// Those of the run's groups, for a load to bring to all lanes. Two groups at a time.
void X86Gemm::prepareStarts(const Run &run) {
  const llvm::Align alignment(packed.panelRows * 4);
  const auto groups = [&](Value *row, Value *group, unsigned count) {
    llvm::Type *type = e.vector(ir.getInt32Ty(), count * packed.panelRows);
    Value *sums = ir.CreateAlignedLoad(type, activationSums(row, group), alignment);
    ir.CreateAlignedStore(startOf(sums), preparedStarts(run, row, group), alignment);
  };
  Value *first = firstGroup(run), *end = endGroup(run);
  Value *odd = ir.CreateAnd(ir.CreateSub(end, first), e.i64(1)), *even = ir.CreateSub(end, odd);
  e.loop(run.firstRow, run.endRow, packed.panelRows, [&](Value *row) {
    e.loop(first, even, 2, [&](Value *group) { groups(row, group, 2); });
    e.when(ir.CreateTrunc(odd, ir.getInt1Ty()), [&] { groups(row, even, 1); });
  });
}

Value *X86Gemm::preparedStarts(const Run &run, Value *row, Value *group) {
  Value *ofRow = ir.CreateSub(row, run.firstRow);
  Value *panel = ir.CreateUDiv(ofRow, e.i64(packed.panelRows));
  Value *index = ir.CreateAdd(ir.CreateMul(panel, e.i64(runSize / layout.groupSize)),
                              ir.CreateSub(group, firstGroup(run)));
  Value *lane = ir.CreateURem(ofRow, e.i64(packed.panelRows));
  index = ir.CreateAdd(ir.CreateMul(index, e.i64(packed.panelRows)), lane);
  return e.at(groupStarts, ir.CreateShl(index, 2));
}

Value *X86Gemm::firstGroup(const Run &run) {
  return ir.CreateUDiv(run.first, e.i64(layout.groupSize));
}

Value *X86Gemm::endGroup(const Run &run) {
  return ir.CreateUDiv(ir.CreateAdd(run.end, e.i64(layout.groupSize - 1)), e.i64(layout.groupSize));
}

Value *X86Gemm::preparedScale(const Run &run, Value *group, unsigned block) {
  Value *index = ir.CreateMul(ir.CreateSub(group, firstGroup(run)), e.i64(width));
  return e.at(groupScales, ir.CreateShl(ir.CreateAdd(index, e.i64(block)), 7));
}

/// acc + float(dots) * scale. Sums that start at the bits of 1.5 * 2^23 are that number plus the
/// dot product, as long as this is below 2^22: one exact product and one rounding give what
/// conversion and multiplication do.
Value *X86Gemm::addGroup(Value *acc, Value *dots, Value *prepared) {
  llvm::Type *numbers = e.vector(ir.getFloatTy());
  Value *scale = ir.CreateAlignedLoad(numbers, prepared, llvm::Align(64));
  if (!startsHigh())
    return accumulate(acc, dots, scale);
  Value *less = ir.CreateAlignedLoad(numbers, e.at(prepared, 64), llvm::Align(64));
  Value *product = ir.CreateIntrinsic(numbers, llvm::Intrinsic::fma,
                                      {ir.CreateBitCast(dots, numbers), scale, less});
  return ir.CreateFAdd(acc, product);
}

/// The dot products of a unit with one group, from where they start.
X86Gemm::Sums X86Gemm::groupDots(const Run &run, Value *row, Value *activations, Value *group) {
  Sums dots;
  Value *sums = activationSums(row, group);
  Value *starts = groupStarts ? preparedStarts(run, row, group) : nullptr;
  for (unsigned r = 0; r < height; ++r) {
    Value *from = ir.CreateLoad(ir.getInt32Ty(), e.at(starts ? starts : sums, r * 4));
    dots.append(run.blocks, e.splat(starts ? from : startOf(from)));
  }
  Value *size = e.i64(layout.groupSize);
  Value *from = ir.CreateSub(ir.CreateMul(group, size), run.first), *end = ir.CreateAdd(from, size);
  prefetchAhead(run, row, from);
  if (X86WeightLayout::columnUnit % layout.groupSize != 0) { // The last group may be short.
    end = e.smaller(end, ir.CreateSub(run.end, run.first));
    return columnSums(run, activations, from, end, dots);
  }
  for (uint32_t column = 0; column < layout.groupSize; column += 8)
    dots = eightColumns(run, activations, ir.CreateAdd(from, e.i64(column)), dots);
  return dots;
}

/// fp32 sums of a unit over the groups of a run; those of earlier runs come first.
X86Gemm::Sums X86Gemm::groupSums(const Run &run, Value *row, Value *activations, Sums start) {
  const Emitter::Values last = e.loop(
      firstGroup(run), endGroup(run), 1, start, [&](Value *group, llvm::ArrayRef<Value *> state) {
        const Sums dots = groupDots(run, row, activations, group);
        Emitter::Values next;
        for (unsigned i = 0; i < dots.size(); ++i)
          next.push_back(addGroup(state[i], dots[i], preparedScale(run, group, i % run.blocks)));
        return next;
      });
  return Sums(last.begin(), last.end());
}

void X86Gemm::vectorUnit(const Run &run, Value *row) {
  Value *lane = ir.CreateURem(row, e.i64(packed.panelRows));
  Value *activations = e.at(panelOf(row), ir.CreateShl(lane, 2));
  activations = e.at(activations, ir.CreateMul(run.first, e.i64(packed.panelRows)));
  const bool grouped = layout.sumsByGroup();
  llvm::Type *type = e.vector(grouped ? ir.getFloatTy() : ir.getInt32Ty());
  Sums sums(height * run.blocks, llvm::Constant::getNullValue(type));
  for (unsigned index = 0; partial && index < sums.size(); ++index) {
    Value *at = waiting(partial, run, row, index / run.blocks, index % run.blocks);
    Value *before = ir.CreateAlignedLoad(type, at, llvm::Align(64));
    sums[index] = ir.CreateSelect(run.isFirst, sums[index], before);
  }
  sums = grouped ? groupSums(run, row, activations, sums) : runSums(run, row, activations, sums);
  if (run.isLast && !run.isGates)
    return finishUnit(run, row, sums);
  Value *memory = run.isLast ? gates : partial;
  for (unsigned index = 0; index < sums.size(); ++index) {
    Value *at = waiting(memory, run, row, index / run.blocks, index % run.blocks);
    ir.CreateAlignedStore(sums[index], at, llvm::Align(64));
  }
}

/// Outputs of a unit, a block at a time. The last rows may not exist. Gates of all rows are
/// computed in step: one row's sequence of operations is longer than what a machine looks ahead.
void X86Gemm::finishUnit(const Run &run, Value *first, llvm::ArrayRef<Value *> sums) {
  llvm::SmallVector<Value *, 24> values(sums);
  const auto rowAt = [&](unsigned r) { return ir.CreateAdd(first, e.i64(r)); };
  for (unsigned i = 0; i < run.blocks; ++i) {
    llvm::SmallVector<Value *, 8> gated, outputs;
    for (unsigned r = 0; r < height; ++r) {
      outputs.push_back(scaledRow(run.weights[i], first, r, sums[r * run.blocks + i])[0]);
      if (isGated())
        gated.push_back(scaledRow(run.gateWeights[i], first, r, gateSum(run, first, r, i))[0]);
    }
    if (isGated()) {
      Value *all = X86Linear::gated(e.join(gated), e.join(outputs));
      for (unsigned r = 0; r < height; ++r)
        outputs[r] = e.slice(all, int(r * 16), 16);
    }
    for (unsigned r = 0; r < height; ++r)
      values[r * run.blocks + i] = outputs[r];
  }
  const auto storeRow = [&](unsigned r) {
    for (unsigned i = 0; i < run.blocks; ++i)
      storeBlock(values[r * run.blocks + i], rowAt(r), ir.CreateAdd(run.index, e.i64(i)));
  };
  // Were each row a block of its own, the optimizer would move its part of the computation there.
  Value *whole = ir.CreateICmpULE(rowAt(height), rows);
  e.when(whole, [&] {
    for (unsigned r = 0; r < height; ++r)
      storeRow(r);
  });
  e.when(ir.CreateNot(whole), [&] {
    for (unsigned r = 0; r < height; ++r)
      e.when(ir.CreateICmpULT(rowAt(r), rows), [&] { storeRow(r); });
  });
}

Value *X86Gemm::gateSum(const Run &run, Value *first, unsigned behind, unsigned block) {
  llvm::Type *type = e.vector(layout.sumsByGroup() ? ir.getFloatTy() : ir.getInt32Ty());
  return ir.CreateAlignedLoad(type, waiting(gates, run, first, behind, block), llvm::Align(64));
}

} // namespace llmc::target
