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

/// Bytes ahead of a row's only pass over its weights. The hardware's own prefetching stops at
/// pages.
static constexpr uint64_t prefetchDistance = 4096;

/// start + codes . activations over one group; two sums, so that their latencies overlap.
Value *X86Linear::groupDot(Value *from, Value *activations, Value *start, uint32_t columns) {
  const bool nibbles = layout.format.element == ElementType::I4;
  const uint32_t unit = nibbles ? 8 : 4, bias = layout.bias();
  const auto step = [&](Value *column, llvm::ArrayRef<Value *> sums) {
    Value *at = e.at(from, ir.CreateMul(column, e.i64(64 / unit)));
    Emitter::Values next(sums.begin(), sums.end());
    for (uint32_t i = 0; i < 2; ++i) { // 8 columns: one vector of nibbles, or two of bytes.
      Value *four = ir.CreateAlignedLoad(
          ir.getInt32Ty(), e.at(activations, ir.CreateAdd(column, e.i64(4 * i))), llvm::Align(1));
      Value *code = codes(nibbles ? at : e.at(at, 64 * i), i == 1);
      if (!nibbles || i == 0)
        e.prefetch(e.at(at, prefetchDistance + 64 * i));
      next[i] = dot.add(next[i], code, four, bias);
    }
    return next;
  };
  Emitter::Values sums{e.splat(start), e.splat(ir.getInt32(0))};
  if (columns <= 64)
    for (uint32_t column = 0; column < columns; column += 8)
      sums = step(e.i64(column), sums);
  else
    sums = e.loop(e.i64(0), e.i64(columns), 8, sums, step);
  return ir.CreateAdd(sums[0], sums[1]);
}

Value *X86Linear::oneBlock(Value *from, Value *activations, Value *starts) {
  const bool nibbles = layout.format.element == ElementType::I4;
  const auto step = [&](Value *group, Value *acc, uint32_t columns) -> Value * {
    Value *column = ir.CreateMul(group, e.i64(layout.groupSize));
    Value *weights = e.at(from, ir.CreateMul(column, e.i64(nibbles ? 8 : 16)));
    Value *start = ir.CreateLoad(ir.getInt32Ty(), e.at(starts, ir.CreateShl(group, 2)));
    Value *dots = groupDot(weights, e.at(activations, column), start, columns);
    if (layout.hasMultipliers())
      return dot.addProducts(acc, dots, multipliers(from, group), layout.groupSize <= 32);
    return accumulate(acc, dots, scales(from, group));
  };
  // Multipliers or scales lie behind the elements; the following block's are asked for on the way.
  const uint64_t perGroup = layout.hasMultipliers()                      ? 8
                            : layout.format.scale == ScaleKind::F16Group ? 32
                                                                         : 64;
  const uint64_t shared = perGroup > 8 ? 64 / perGroup : layout.groupSize < 32 ? 8 : 2;
  const uint64_t behind = layout.blockBytes + layout.multipliers;
  const auto groups = [&](Value *first, Value *acc, uint64_t count) {
    e.prefetch(e.at(from, ir.CreateAdd(ir.CreateMul(first, e.i64(perGroup)), e.i64(behind))));
    for (uint64_t i = 0; i < count; ++i)
      acc = step(ir.CreateAdd(first, e.i64(i)), acc, layout.groupSize);
    return acc;
  };
  Value *acc = e.splat(layout.hasMultipliers() ? static_cast<Value *>(ir.getInt32(0)) : e.f32(0));
  const uint64_t last = layout.groups - 1, whole = last / shared * shared;
  acc = e.loop(e.i64(0), e.i64(whole), shared, {acc},
               [&](Value *first, llvm::ArrayRef<Value *> state) {
                 return Emitter::Values{groups(first, state[0], shared)};
               })[0];
  acc = groups(e.i64(whole), acc, last - whole);
  acc = step(e.i64(last), acc, layout.sizeOf(uint32_t(last)));
  if (layout.hasMultipliers())
    acc = scaled(acc, scales(from, e.i64(0)));
  return acc;
}

void X86Linear::oneRow() {
  X86RowReader reader(e, layout.columns);
  Value *row = e.i64(0);
  Value *activations = reader.padded(rowOf(matmul::A, row));
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
  e.loop(first, end, 1, [&](Value *index) {
    llvm::SmallVector<Value *, 2> sums{oneBlock(block(index), activations, starts)};
    if (isGated()) {
      Value *ups = block(ir.CreateAdd(index, e.i64(blockCount())));
      sums.push_back(oneBlock(ups, activations, starts));
    }
    storeOutput(sums, row, index);
  });
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
