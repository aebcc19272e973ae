#include "targets/Llvm/RowDot.h"

#include "targets/Llvm/Layout/RowRules.h"

#include "llvm/IR/Intrinsics.h"

#include <fmt/format.h>

namespace llmc::target {

using llvm::Value;

namespace {

constexpr uint32_t unit = RowWeightLayout::unit, half = RowWeightLayout::halfUnit;
constexpr uint32_t halfLanes = half / 4; ///< Sums of half a unit.

} // namespace

llvm::Function *RowDot::declare(llvm::Module &module, const IsaTable &isa, std::string &error) {
  const DotInstruction &described = isa.products;
  const uint32_t lanes = described.lanes;
  const llvm::Intrinsic::ID id = llvm::Intrinsic::lookupIntrinsicID(described.intrinsic);
  if (id == llvm::Intrinsic::not_intrinsic) {
    error = fmt::format("LLVM has no intrinsic '{}'", described.intrinsic);
    return nullptr;
  }
  llvm::LLVMContext &context = module.getContext();
  llvm::Type *sums = llvm::FixedVectorType::get(llvm::Type::getInt32Ty(context), lanes);
  llvm::Type *bytes = llvm::FixedVectorType::get(llvm::Type::getInt8Ty(context), lanes * 4);
  llvm::SmallVector<llvm::Type *, 3> operands(described.adds ? 3 : 2,
                                              described.words ? sums : bytes);
  if (described.adds)
    operands[0] = sums;
  llvm::SmallVector<llvm::Type *, 4> overloads;
  if (!llvm::Intrinsic::getIntrinsicSignature(id, llvm::FunctionType::get(sums, operands, false),
                                              overloads)) {
    error = fmt::format("intrinsic '{}' does not return {} x i32 from {}two vectors of {}",
                        described.intrinsic, lanes, described.adds ? "such sums and " : "",
                        described.words ? "i32" : "i8");
    return nullptr;
  }
  return llvm::Intrinsic::getOrInsertDeclaration(&module, id, overloads);
}

RowDot::RowDot(Emitter &emitter, const RowWeightLayout &layout, llvm::Function *instruction)
    : e(emitter), ir(emitter.ir), decoder(emitter, layout), layout(layout),
      instruction(instruction), described(emitter.isa.products), vectorBytes(described.lanes * 4),
      units(vectorBytes / half), columns(2 * vectorBytes), whole(layout.columns / columns),
      rest(layout.columns % columns) {
  const uint64_t bytes = storedSumBytes(layout, described.lanes);
  while (mostPairs > 1 && mostPairs * bytes + kDescribedFrame > e.isa.stackBytes)
    mostPairs /= 2;
  for (unsigned i = 0; i < mostPairs && bytes != 0; ++i)
    stored.push_back(e.stack(bytes));
  for (unsigned i = 0; i < kTall && rest != 0; ++i) {
    inputTails.push_back(e.stack(columns));
    weightTails.push_back(e.stack(columns));
    for (uint32_t at = 0; at < columns; at += half)
      for (Value *tail : {inputTails.back(), weightTails.back()})
        ir.CreateAlignedStore(llvm::Constant::getNullValue(e.vector(ir.getInt8Ty())),
                              e.at(tail, at), llvm::Align(half));
  }
}

Emitter::Values RowDot::zeros() const {
  return Values(weights.size() * inputs.size(),
                llvm::Constant::getNullValue(e.vector(ir.getInt32Ty(), described.lanes)));
}

void RowDot::take(llvm::ArrayRef<Value *> rows) {
  inputs.clear();
  for (size_t i = 0; i < rows.size(); ++i) {
    inputs.push_back({rows[i], nullptr});
    if (rest == 0)
      continue;
    Value *tail = inputs[i].tail = inputTails[i];
    Value *from = e.at(rows[i], uint64_t(whole) * columns);
    e.loop(e.index(0), e.index(rest), 1, [&](Value *at) {
      ir.CreateStore(ir.CreateLoad(ir.getInt8Ty(), e.at(from, at)), e.at(tail, at));
    });
  }
}

/// What multiplies the zeros behind a row's activations may be anything, but must be there.
RowDot::Row RowDot::weightRow(Value *row, Value *tail) {
  const uint64_t start = uint64_t(whole) * units * layout.unitBytes();
  Value *from = e.at(row, start);
  const uint32_t left = layout.paddedColumns / unit - whole * units;
  if (left == units)
    return {row, from};
  for (uint32_t at = 0; at < left * layout.unitBytes(); at += half)
    ir.CreateAlignedStore(
        ir.CreateAlignedLoad(e.vector(ir.getInt32Ty(), 4), e.at(from, at), llvm::Align(half)),
        e.at(tail, at), llvm::Align(half));
  return {row, tail};
}

std::vector<Emitter::Values> RowDot::products(llvm::ArrayRef<Value *> rows) {
  weights.clear();
  for (size_t i = 0; i < rows.size(); ++i)
    weights.push_back(rest != 0 ? weightRow(rows[i], weightTails[i]) : Row{rows[i], nullptr});
  const Values all = storedSumBytes(layout, described.lanes) != 0 ? byGroup() : byRow();
  std::vector<Values> result;
  for (size_t row = 0; row < rows.size(); ++row)
    result.emplace_back(all.begin() + row * inputs.size(), all.begin() + (row + 1) * inputs.size());
  return result;
}

Emitter::Values RowDot::chunks(const Values &initial, ChunkBody body) {
  Values state = e.loop(e.index(0), e.index(whole), 1, initial,
                        [&](Value *number, llvm::ArrayRef<Value *> now) {
                          return body(number, /*last=*/false, now);
                        });
  return rest != 0 ? body(e.index(whole), /*last=*/true, state) : state;
}

RowDot::HalfSums RowDot::add(Value *number, bool last, HalfSums sums, bool together) {
  llvm::SmallVector<Halves, kTall> ours;
  for (const Row &row : inputs)
    ours.push_back(inputHalves(row, number, last));
  for (size_t row = 0; row < weights.size(); ++row) {
    const Halves bytes = weightHalves(weights[row], number, last);
    for (size_t input = 0; input < inputs.size(); ++input)
      for (unsigned side = 0; side < 2; ++side) {
        Value *&sum = sums[together ? 0 : side][row * inputs.size() + input];
        sum = dot(sum, bytes[side], ours[input][side]);
      }
  }
  return sums;
}

RowDot::Halves RowDot::inputHalves(const Row &row, Value *number, bool last) {
  Value *from = last ? row.tail : e.at(row.start, ir.CreateMul(number, e.index(columns)));
  llvm::Type *type = e.vector(ir.getInt8Ty(), vectorBytes);
  Value *first = ir.CreateAlignedLoad(type, from, llvm::Align(1));
  Value *second = ir.CreateAlignedLoad(type, e.at(from, vectorBytes), llvm::Align(1));
  if (!hasNibbles() || units == 1)
    return {first, second};
  // Low nibbles are the first halves of units.
  llvm::SmallVector<int, 128> orders[2];
  for (int i = 0; i < int(vectorBytes); ++i)
    for (int side = 0; side < 2; ++side)
      orders[side].push_back((2 * (i / int(half)) + side) * int(half) + i % int(half));
  return {ir.CreateShuffleVector(first, second, orders[0]),
          ir.CreateShuffleVector(first, second, orders[1])};
}

/// The low nibbles of bytes, as int8 or sixteen times that; the high ones. Wide vectors shift words
/// and not bytes.
RowDot::Halves RowDot::nibbles(Value *bytes) {
  llvm::Type *type = bytes->getType();
  const auto all = [&](uint64_t value) { return llvm::ConstantInt::get(type, value); };
  if (units == 1) {
    Value *raised = ir.CreateShl(bytes, 4);
    if (isSixteenfold())
      return {raised, ir.CreateAnd(bytes, all(0xf0))};
    return {ir.CreateAShr(raised, 4), ir.CreateAShr(bytes, 4)};
  }
  Value *words = ir.CreateBitCast(bytes, e.vector(ir.getInt32Ty(), described.lanes));
  if (isSixteenfold())
    return {ir.CreateAnd(ir.CreateBitCast(ir.CreateShl(words, 4), type), all(0xf0)),
            ir.CreateAnd(bytes, all(0xf0))};
  const auto extended = [&](Value *from) {
    Value *low = ir.CreateAnd(from, all(15));
    return ir.CreateSub(ir.CreateXor(low, all(8)), all(8));
  };
  return {extended(bytes), extended(ir.CreateBitCast(ir.CreateLShr(words, 4), type))};
}

RowDot::Halves RowDot::weightHalves(const Row &row, Value *number, bool last) {
  Value *from =
      last ? row.tail : e.at(row.start, ir.CreateMul(number, e.index(units * layout.unitBytes())));
  llvm::Type *type = e.vector(ir.getInt8Ty(), vectorBytes);
  Value *bytes = ir.CreateAlignedLoad(type, from, llvm::Align(half));
  if (!hasNibbles())
    return {bytes, ir.CreateAlignedLoad(type, e.at(from, vectorBytes), llvm::Align(half))};
  Halves result = nibbles(bytes);
  if (layout.hasMultipliers()) {
    const Halves factors = multipliers(row.start, number);
    for (unsigned side = 0; side < 2; ++side)
      result[side] = ir.CreateMul(result[side], factors[side]);
  }
  return result;
}

/// Of every column of a chunk, as int8.
RowDot::Halves RowDot::multipliers(Value *row, Value *number) {
  const auto splat = [&](Value *group) {
    Value *byte = ir.CreateTrunc(decoder.multiplier(row, group), ir.getInt8Ty());
    return e.splat(byte, vectorBytes);
  };
  const uint32_t size = layout.groupSize;
  if (layout.groups == 1 || size % columns == 0) {
    Value *all =
        splat(layout.groups == 1 ? e.index(0) : ir.CreateUDiv(number, e.index(size / columns)));
    return {all, all};
  }
  if (units > 1 && columns % size == 0)
    return packedMultipliers(row, number, columns / size);
  Halves result = {nullptr, nullptr};
  for (uint32_t index = 0; index < units; ++index)
    for (unsigned side = 0; side < 2; ++side) {
      Value *column =
          ir.CreateAdd(ir.CreateMul(number, e.index(columns)), e.index(index * unit + side * half));
      Value *one = splat(ir.CreateUDiv(column, e.index(size)));
      llvm::SmallVector<int, 128> order;
      for (uint32_t i = 0; i < vectorBytes; ++i)
        order.push_back(int(i / half == index ? i : i + vectorBytes));
      result[side] = index == 0 ? one : ir.CreateShuffleVector(one, result[side], order);
    }
  return result;
}

/// Those of `count` groups, 16 at most, that make up a chunk: half as many bytes, which may be read
/// behind the row's last group, where its scale is.
RowDot::Halves RowDot::packedMultipliers(Value *row, Value *number, uint32_t count) {
  Value *from = e.at(
      row, ir.CreateAdd(ir.CreateMul(number, e.index(count / 2)), e.index(layout.multipliers)));
  const uint32_t inWord = std::min(count, 8u);
  const auto word = [&](uint64_t offset) {
    Value *nibbles =
        ir.CreateAlignedLoad(ir.getIntNTy(inWord * 4), e.at(from, offset), llvm::Align(inWord / 2));
    return e.splat(ir.CreateZExt(nibbles, ir.getInt32Ty()), described.lanes * inWord / count);
  };
  Value *words = count == inWord ? word(0) : e.join({word(0), word(4)});
  Halves result;
  for (unsigned side = 0; side < 2; ++side) {
    llvm::SmallVector<uint32_t, kMostDotLanes> shifts;
    for (uint32_t lane = 0; lane < described.lanes; ++lane) {
      const uint32_t column = lane / halfLanes * unit + side * half;
      shifts.push_back(column / layout.groupSize % inWord * 4);
    }
    Value *nibble = ir.CreateLShr(words, llvm::ConstantDataVector::get(ir.getContext(), shifts));
    Value *value =
        ir.CreateAdd(ir.CreateAnd(nibble, 15), llvm::ConstantInt::get(words->getType(), 1));
    value = ir.CreateOr(value, ir.CreateShl(value, 8));
    value = ir.CreateOr(value, ir.CreateShl(value, 16));
    result[side] = ir.CreateBitCast(value, e.vector(ir.getInt8Ty(), vectorBytes));
  }
  return result;
}

Value *RowDot::dot(Value *sum, Value *bytes, Value *input) {
  llvm::Type *words = e.vector(ir.getInt32Ty(), described.lanes);
  const auto call = [&](Value *to, Value *left) {
    Value *x = described.words ? ir.CreateBitCast(left, words) : left;
    Value *y = described.words ? ir.CreateBitCast(input, words) : input;
    if (described.adds)
      return static_cast<Value *>(ir.CreateCall(instruction, {to, x, y}));
    return ir.CreateAdd(to, ir.CreateCall(instruction, {x, y}));
  };
  if (!described.unsignedWeights)
    return call(sum, bytes);
  // What the bias adds is the same for every row of weights.
  Value *bias = llvm::ConstantInt::get(bytes->getType(), 128);
  Value *above = call(llvm::Constant::getNullValue(words), bias);
  return ir.CreateSub(call(sum, ir.CreateXor(bytes, bias)), above);
}

/// The sum of sums. 16 * 8 * 127 of each column stay within int32.
Value *RowDot::total(Value *sums) {
  Value *sum = ir.CreateAddReduce(sums);
  return isSixteenfold() ? ir.CreateAShr(sum, 4) : sum;
}

Emitter::Values RowDot::byRow() {
  const Values sums = chunks(zeros(), [&](Value *number, bool last, llvm::ArrayRef<Value *> state) {
    return add(number, last, {Values(state.begin(), state.end()), {}}, /*together=*/true)[0];
  });
  Values result;
  for (size_t pair = 0; pair < sums.size(); ++pair) {
    Value *scale = decoder.scale(weights[pair / inputs.size()].start, e.index(0));
    Value *number = ir.CreateSIToFP(total(sums[pair]), ir.getFloatTy());
    result.push_back(ir.CreateFAdd(e.f32(0), ir.CreateFMul(number, scale)));
  }
  return result;
}

void RowDot::storeSums() {
  chunks({}, [&](Value *number, bool last, llvm::ArrayRef<Value *>) -> Values {
    const HalfSums sums = add(number, last, {zeros(), zeros()}, joinsHalves(layout));
    const unsigned sides = joinsHalves(layout) ? 1 : 2;
    for (size_t pair = 0; pair < sums[0].size(); ++pair)
      for (unsigned side = 0; side < sides; ++side) {
        Value *at = ir.CreateMul(number, e.index(sides * vectorBytes));
        ir.CreateAlignedStore(sums[side][pair],
                              e.at(e.at(stored[pair], at), uint64_t(side) * vectorBytes),
                              llvm::Align(half));
      }
    return {};
  });
}

/// Where the sums of half a unit lie, of a whole one where halves are joined.
Value *RowDot::storedAt(unsigned pair, Value *index, Value *side) {
  constexpr uint32_t bytes = halfLanes * 4;
  if (joinsHalves(layout))
    return e.at(stored[pair], ir.CreateMul(index, e.index(bytes)));
  if (!hasNibbles())
    return e.at(stored[pair],
                ir.CreateMul(ir.CreateAdd(ir.CreateShl(index, 1), side), e.index(bytes)));
  Value *vector = ir.CreateAdd(ir.CreateShl(ir.CreateUDiv(index, e.index(units)), 1), side);
  Value *within = ir.CreateMul(ir.CreateURem(index, e.index(units)), e.index(bytes));
  return e.at(stored[pair], ir.CreateAdd(ir.CreateMul(vector, e.index(vectorBytes)), within));
}

Value *RowDot::groupSum(unsigned pair, Value *group, uint32_t count) {
  llvm::Type *type = e.vector(ir.getInt32Ty(), halfLanes);
  const auto load = [&](Value *index, Value *side) -> Value * {
    return ir.CreateAlignedLoad(type, storedAt(pair, index, side), llvm::Align(half));
  };
  if (count == 0)
    return total(load(ir.CreateLShr(group, 1), ir.CreateAnd(group, 1)));
  const auto addUnit = [&](Value *index, Value *sum) {
    sum = ir.CreateAdd(sum, load(index, e.index(0)));
    return joinsHalves(layout) ? sum : ir.CreateAdd(sum, load(index, e.index(1)));
  };
  Value *first = ir.CreateMul(group, e.index(layout.groupSize / unit));
  Value *sum = llvm::Constant::getNullValue(type);
  constexpr uint32_t writtenOut = 4;
  if (count <= writtenOut)
    for (uint32_t i = 0; i < count; ++i)
      sum = addUnit(ir.CreateAdd(first, e.index(i)), sum);
  else
    sum = e.loop(first, ir.CreateAdd(first, e.index(count)), 1, {sum},
                 [&](Value *index, llvm::ArrayRef<Value *> now) -> Values {
                   return {addUnit(index, now[0])};
                 })[0];
  return total(sum);
}

/// One group of all pairs: so many units, 0 for half a one.
Emitter::Values RowDot::joinGroup(Value *group, uint32_t count, llvm::ArrayRef<Value *> totals) {
  Values scales, next;
  for (const Row &row : weights)
    scales.push_back(decoder.scale(row.start, group));
  for (unsigned pair = 0; pair < totals.size(); ++pair) {
    Value *sum = ir.CreateSIToFP(groupSum(pair, group, count), ir.getFloatTy());
    next.push_back(ir.CreateFAdd(totals[pair], ir.CreateFMul(sum, scales[pair / inputs.size()])));
  }
  return next;
}

Emitter::Values RowDot::byGroup() {
  storeSums();
  const uint32_t count = layout.groupSize / unit;
  const uint32_t all = count == 0 ? layout.groups : layout.paddedColumns / layout.groupSize;
  const Values none(weights.size() * inputs.size(), e.f32(0));
  Values totals =
      e.loop(e.index(0), e.index(all), 1, none, [&](Value *group, llvm::ArrayRef<Value *> state) {
        return joinGroup(group, count, state);
      });
  if (all < layout.groups)
    totals = joinGroup(e.index(all), layout.paddedColumns % layout.groupSize / unit, totals);
  return totals;
}

} // namespace llmc::target
