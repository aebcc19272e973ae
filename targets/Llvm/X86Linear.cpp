#include "targets/Llvm/X86Linear.h"

#include "targets/Llvm/X86Gemm.h"

#include <fmt/format.h>

namespace llmc::target {

using llvm::Value;

Value *X86Linear::rowOf(unsigned operand, Value *row) {
  const KernelOperand &where = operands[operand];
  return e.rowOf(operand, where.tokenStride, where.subStride, matmul.subRows, row);
}

Value *X86Linear::block(Value *index) {
  return e.at(e.operand(matmul::B), ir.CreateMul(index, e.i64(layout.blockBytes)));
}

Value *X86Linear::codes(Value *from, bool half) {
  llvm::Type *bytes = e.vector(ir.getInt8Ty(), 64);
  Value *stored = ir.CreateAlignedLoad(bytes, from, llvm::Align(64));
  if (layout.format.element == ElementType::I8)
    return stored;
  if (half) { // Shifted as words: what crosses a byte is masked away.
    llvm::Type *words = e.vector(ir.getInt16Ty(), 32);
    Value *shifted = ir.CreateLShr(ir.CreateBitCast(stored, words), 4);
    stored = ir.CreateBitCast(shifted, bytes);
  }
  return ir.CreateAnd(stored, e.splat(ir.getInt8(15), 64));
}

Value *X86Linear::raisedCodes(Value *from) {
  Value *stored = ir.CreateAlignedLoad(e.vector(ir.getInt8Ty(), 64), from, llvm::Align(64));
  return ir.CreateAnd(stored, e.splat(ir.getInt8(0xF0), 64));
}

Value *X86Linear::multipliers(Value *from, Value *group) {
  Value *pair = ir.CreateShl(ir.CreateLShr(group, e.i64(1)), e.i64(4));
  Value *bytes = ir.CreateAlignedLoad(e.vector(ir.getInt8Ty()),
                                      e.at(from, ir.CreateAdd(pair, e.i64(layout.multipliers))),
                                      llvm::Align(16));
  Value *words = ir.CreateZExt(bytes, e.vector(ir.getInt32Ty()));
  Value *shift = ir.CreateShl(ir.CreateAnd(ir.CreateTrunc(group, ir.getInt32Ty()), 1), 2);
  Value *nibbles = ir.CreateAnd(ir.CreateLShr(words, e.splat(shift)), e.splat(ir.getInt32(15)));
  return ir.CreateAdd(nibbles, e.splat(ir.getInt32(1)));
}

Value *X86Linear::scales(Value *from, Value *group) {
  const bool halves = layout.format.scale == ScaleKind::F16Group;
  Value *at = e.at(from, e.i64(layout.scales));
  if (layout.scaledByGroup())
    at = e.at(at, ir.CreateMul(group, e.i64(halves ? 32 : 64)));
  if (!halves)
    return ir.CreateAlignedLoad(e.vector(ir.getFloatTy()), at, llvm::Align(64));
  Value *bits = ir.CreateAlignedLoad(e.vector(ir.getInt16Ty()), at, llvm::Align(32));
  return numerics.fromHalfBits(bits, e.isa.halfConversion);
}

Value *X86Linear::accumulate(Value *acc, Value *dots, Value *scale) {
  Value *numbers = ir.CreateSIToFP(dots, e.vector(ir.getFloatTy()));
  return ir.CreateFAdd(acc, ir.CreateFMul(numbers, scale));
}

Value *X86Linear::activationScale(Value *row) {
  return ir.CreateLoad(ir.getFloatTy(), rowOf(matmul::AScale, row));
}

Value *X86Linear::outputLanes(Value *index) {
  if (outputs() % 16 == 0)
    return nullptr;
  return e.firstLanes(ir.CreateSub(e.i64(outputs()), ir.CreateShl(index, 4)));
}

Value *X86Linear::outputAt(Value *row, Value *index) {
  return e.at(rowOf(matmul::Out, row), ir.CreateShl(index, 6));
}

void X86Linear::storeOutput(llvm::ArrayRef<Value *> sums, Value *row, Value *index) {
  Value *scale = e.splat(activationScale(row));
  Value *value = ir.CreateFMul(sums[0], scale);
  if (isGated())
    value = gated(value, ir.CreateFMul(sums[1], scale));
  storeBlock(value, row, index);
}

Value *X86Linear::gated(Value *gates, Value *ups) {
  return ir.CreateFMul(ir.CreateFMul(gates, numerics.sigmoid(gates)), ups);
}

void X86Linear::storeBlock(Value *value, Value *row, Value *index) {
  Value *at = outputAt(row, index), *lanes = outputLanes(index);
  llvm::Type *type = value->getType();
  if (matmul.epilogue == Epilogue::Add)
    value = ir.CreateFAdd(
        lanes ? ir.CreateMaskedLoad(type, at, llvm::Align(4), lanes, e.splat(e.f32(0)))
              : static_cast<Value *>(ir.CreateAlignedLoad(type, at, llvm::Align(4))),
        value);
  if (lanes)
    ir.CreateMaskedStore(value, at, llvm::Align(4), lanes);
  else
    ir.CreateAlignedStore(value, at, llvm::Align(4));
}

/// Bytes ahead of a row's only pass over its weights, of each stream: all of them together fit the
/// first-level cache. The hardware's own prefetching stops at pages of 4 KiB.
static constexpr uint64_t prefetchDistance = 3072;
/// Bytes of each stream of a run.
static constexpr uint64_t streamBytes = 65536;

/// sums + 8 columns of each block, the first 4 and the second 4 in sums of their own, so that their
/// latencies overlap.
Emitter::Values X86Linear::addColumns(llvm::ArrayRef<Value *> from, Value *activations,
                                      Value *column, Emitter::Values sums, DotSums kind) {
  const bool nibbles = layout.format.element == ElementType::I4;
  Value *offset = ir.CreateMul(column, e.i64(nibbles ? 8 : 16));
  Emitter::Values four;
  for (uint32_t i = 0; i < 2; ++i)
    four.push_back(ir.CreateAlignedLoad(
        ir.getInt32Ty(), e.at(activations, ir.CreateAdd(column, e.i64(4 * i))), llvm::Align(1)));
  for (size_t b = 0; b < from.size(); ++b) {
    Value *at = e.at(from[b], offset);
    for (uint32_t i = 0; i < 2; ++i) { // One vector of nibbles, or two of bytes.
      const bool raised = kind == DotSums::Raised && i == 1;
      Value *code = raised ? raisedCodes(at) : codes(nibbles ? at : e.at(at, 64 * i), i == 1);
      if (!nibbles || i == 0)
        e.prefetch(e.at(at, prefetchDistance + 64 * i), CacheLevel::First);
      Value *&sum = sums[2 * b + i];
      sum = kind == DotSums::Pairs ? dot.addPairs(sum, code, four[i])
                                   : dot.add(sum, code, four[i], layout.bias());
    }
  }
  return sums;
}

/// start + codes . activations over one group of each block.
Emitter::Values X86Linear::groupDots(llvm::ArrayRef<Value *> from, Value *activations, Value *start,
                                     uint32_t columns) {
  const bool pairs = dot.sumsPairs(layout.bias(), columns);
  const bool raised = layout.format.element == ElementType::I4 && e.isa.dot != DotKind::MaddUbs;
  const DotSums kind = pairs ? DotSums::Pairs : raised ? DotSums::Raised : DotSums::Plain;
  const auto step = [&](Value *column, llvm::ArrayRef<Value *> sums) {
    return addColumns(from, activations, column, Emitter::Values(sums), kind);
  };
  Value *none = pairs ? dot.noPairs() : e.splat(ir.getInt32(0));
  Emitter::Values sums;
  for (size_t b = 0; b < from.size(); ++b)
    sums.append({pairs ? none : e.splat(start), none});
  if (columns <= 64)
    for (uint32_t column = 0; column < columns; column += 8)
      sums = step(e.i64(column), sums);
  else
    sums = e.loop(e.i64(0), e.i64(columns), 8, sums, step);
  Emitter::Values dots;
  for (size_t b = 0; b < from.size(); ++b) {
    Value *first = sums[2 * b], *second = sums[2 * b + 1];
    if (pairs)
      dots.push_back(dot.joinPairs(dot.joinPairs(e.splat(start), first), second));
    else
      dots.push_back(ir.CreateAdd(first, raised ? ir.CreateAShr(second, 4) : second));
  }
  return dots;
}

/// acc + one group of each block.
Emitter::Values X86Linear::addGroup(const RowPass &pass, Value *group, uint32_t columns,
                                    Emitter::Values acc) {
  const bool nibbles = layout.format.element == ElementType::I4;
  Value *column = ir.CreateMul(group, e.i64(layout.groupSize));
  Value *offset = ir.CreateMul(column, e.i64(nibbles ? 8 : 16));
  Value *start = ir.CreateLoad(ir.getInt32Ty(), e.at(pass.starts, ir.CreateShl(group, 2)));
  Emitter::Values weights;
  for (Value *block : pass.blocks)
    weights.push_back(e.at(block, offset));
  const Emitter::Values dots = groupDots(weights, e.at(pass.activations, column), start, columns);
  for (size_t b = 0; b < acc.size(); ++b)
    acc[b] = layout.hasMultipliers()
                 ? dot.addProducts(acc[b], dots[b], multipliers(pass.blocks[b], group),
                                   layout.groupSize <= 32)
                 : accumulate(acc[b], dots[b], scales(pass.blocks[b], group));
  return acc;
}

/// The row's outputs of each block, short of the row's own scale.
Emitter::Values X86Linear::products(const RowPass &pass) {
  // Multipliers or scales lie behind the elements; the following block's are asked for on the way.
  const uint64_t perGroup = layout.hasMultipliers()                      ? 8
                            : layout.format.scale == ScaleKind::F16Group ? 32
                                                                         : 64;
  const uint64_t shared = perGroup > 8 ? 64 / perGroup : layout.groupSize < 32 ? 8 : 2;
  const uint64_t behind = layout.blockBytes + layout.multipliers;
  const auto groups = [&](Value *first, Emitter::Values acc, uint64_t count) {
    for (Value *block : pass.blocks)
      e.prefetch(e.at(block, ir.CreateAdd(ir.CreateMul(first, e.i64(perGroup)), e.i64(behind))),
                 CacheLevel::First);
    for (uint64_t i = 0; i < count; ++i)
      acc = addGroup(pass, ir.CreateAdd(first, e.i64(i)), layout.groupSize, acc);
    return acc;
  };
  Value *zero = layout.hasMultipliers() ? static_cast<Value *>(ir.getInt32(0)) : e.f32(0);
  Emitter::Values acc(pass.blocks.size(), e.splat(zero));
  const uint64_t last = layout.groups - 1, whole = last / shared * shared;
  acc =
      e.loop(e.i64(0), e.i64(whole), shared, acc, [&](Value *first, llvm::ArrayRef<Value *> state) {
        return groups(first, Emitter::Values(state), shared);
      });
  acc = groups(e.i64(whole), acc, last - whole);
  acc = addGroup(pass, e.i64(last), layout.sizeOf(uint32_t(last)), acc);
  for (size_t b = 0; layout.hasMultipliers() && b < acc.size(); ++b)
    acc[b] = scaled(acc[b], scales(pass.blocks[b], e.i64(0)));
  return acc;
}

/// The outputs [first, end) of blocks. Memory delivers several streams faster than one, so the
/// second half of a run goes beside the first; a run is so short that they lie close together.
void X86Linear::outputsOf(Value *first, Value *end, RowPass pass) {
  const auto side = [&](llvm::ArrayRef<Value *> indices) {
    pass.blocks.clear();
    for (Value *index : indices) {
      pass.blocks.push_back(block(index));
      if (isGated())
        pass.blocks.push_back(block(ir.CreateAdd(index, e.i64(blockCount()))));
    }
    const Emitter::Values sums = products(pass);
    const size_t each = isGated() ? 2 : 1;
    for (size_t i = 0; i < indices.size(); ++i)
      storeOutput(llvm::ArrayRef(sums).slice(i * each, each), e.i64(0), indices[i]);
  };
  const uint64_t run = 2 * ((streamBytes + layout.blockBytes - 1) / layout.blockBytes);
  e.loop(first, end, run, [&](Value *from) {
    Value *count = ir.CreateSub(end, from);
    count = e.smaller(count, e.i64(run));
    Value *half = ir.CreateLShr(count, 1), *middle = ir.CreateAdd(from, half);
    e.loop(from, middle, 1, [&](Value *index) { side({index, ir.CreateAdd(index, half)}); });
    e.when(ir.CreateTrunc(count, ir.getInt1Ty()), [&] { side(ir.CreateAdd(middle, half)); });
  });
}

void X86Linear::oneRow() {
  X86RowReader reader(e, layout.columns);
  Value *activations = reader.padded(rowOf(matmul::A, e.i64(0)));
  Value *starts = e.stack(uint64_t(layout.groups) * 4);
  const auto prepare = [&](Value *group, uint32_t columns) {
    Value *from = e.at(activations, ir.CreateMul(group, e.i64(layout.groupSize)));
    Value *excess =
        ir.CreateMul(reader.sum(from, columns), ir.getInt32(dot.correction(layout.bias())));
    ir.CreateStore(ir.CreateNeg(excess), e.at(starts, ir.CreateShl(group, 2)));
  };
  const uint32_t last = layout.groups - 1;
  e.loop(e.i64(0), e.i64(last), 1, [&](Value *group) { prepare(group, layout.groupSize); });
  prepare(e.i64(last), layout.sizeOf(last));
  const auto [first, end] = e.share(e.i64(blockCount()));
  outputsOf(first, end, {activations, starts, {}});
}

void X86Linear::run() {
  const uint64_t rows = uint64_t(matmul.tokens.value) * matmul.subRows;
  if (rows > 1)
    return X86Gemm(*this).run();
  if (matmul.tokens.argument < 0 && rows == 1)
    return oneRow();
  e.when(ir.CreateICmpNE(e.extent(matmul.tokens), e.i64(0)), [&] { oneRow(); });
}

static bool checkLinear(const IsaTable &isa, const Matmul &matmul,
                        const std::vector<KernelOperand> &operands, std::string &error) {
  const bool many = uint64_t(matmul.tokens.value) * matmul.subRows > 1;
  const ElementType a = many ? ElementType::U8 : ElementType::I8;
  if (isa.dot == DotKind::None)
    error = "linear: this instruction set has no dot product of 8-bit integers";
  else if (matmul.n.argument >= 0 || matmul.k.argument >= 0)
    error = "linear: n and k must be numbers";
  else if (matmul.subRows == 0)
    error = "linear: subRows must be at least 1";
  else if (matmul.accumulate || matmul.scale != 1.0f)
    error = "linear: takes no scale and does not accumulate";
  else if (matmul.epilogue == Epilogue::SiluMul && matmul.n.value % 32 != 0)
    error = fmt::format("linear: gates and ups are {} rows, not a multiple of 32", matmul.n.value);
  else if (operands.size() != 4)
    error = fmt::format("linear: {} operands, not 4", operands.size());
  else if (operands[matmul::A].type != a)
    error =
        many ? "linear: a of more than one row must be packed rows (u8)" : "linear: a must be i8";
  else if (operands[matmul::AScale].type != ElementType::F32 ||
           operands[matmul::B].type != matmul.format.element ||
           operands[matmul::Out].type != ElementType::F32)
    error = "linear: aScale and out must be f32, b the format's element";
  return error.empty();
}

bool emitX86Linear(llvm::Module &module, const IsaTable &isa, const std::string &name,
                   const Matmul &matmul, const std::vector<KernelOperand> &operands,
                   std::string &error) {
  error.clear();
  if (!checkLinear(isa, matmul, operands, error))
    return false;
  const auto layout = X86WeightLayout::of(matmul.format, matmul.k.value, error);
  if (!layout)
    return false;
  if (!X86Gemm::fits(*layout, uint64_t(matmul.tokens.value) * matmul.subRows, error))
    return false;
  Emitter emitter(module, isa, name, operands);
  X86Linear(emitter, matmul, operands, *layout).run();
  emitter.finish();
  return true;
}

} // namespace llmc::target
