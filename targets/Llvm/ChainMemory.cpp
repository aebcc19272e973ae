#include "targets/Llvm/ChainMemory.h"

namespace llmc::target {

using llvm::Value;

Value *ChainMemory::loadElements(llvm::Type *element, Value *row, const Chunk &chunk) {
  const uint32_t bytes = element->getScalarSizeInBits() / 8;
  Value *from = e.at(row, e.ir.CreateMul(chunk.column, e.index(bytes)));
  llvm::Type *type = e.vector(element);
  if (!chunk.lanes)
    return e.ir.CreateAlignedLoad(type, from, llvm::Align(bytes));
  return e.ir.CreateMaskedLoad(type, from, llvm::Align(bytes), chunk.lanes,
                               llvm::Constant::getNullValue(type));
}

/// Sign-extended nibbles, the low one of a byte first. A chunk starts at a whole byte.
Value *ChainMemory::loadNibbles(Value *row, const Chunk &chunk) {
  Value *from = e.at(row, e.ir.CreateLShr(chunk.column, e.index(1)));
  llvm::Type *type = e.vector(e.ir.getInt8Ty(), 8);
  Value *bytes;
  if (chunk.lanes) {
    Value *count = e.ir.CreateLShr(e.ir.CreateAdd(chunk.rest, e.index(1)), e.index(1));
    Value *lanes = e.ir.CreateShuffleVector(e.firstLanes(count), {0, 1, 2, 3, 4, 5, 6, 7});
    bytes = e.ir.CreateMaskedLoad(type, from, llvm::Align(1), lanes,
                                  llvm::Constant::getNullValue(type));
  } else {
    bytes = e.ir.CreateAlignedLoad(type, from, llvm::Align(1));
  }
  Value *low = e.ir.CreateShl(bytes, 4);
  llvm::SmallVector<int, kLanes> order;
  for (int i = 0; i < 8; ++i)
    order.append({i, i + 8});
  Value *both = e.ir.CreateShuffleVector(low, bytes, order);
  Value *signedOnes = e.ir.CreateAShr(both, 4);
  Value *numbers = e.ir.CreateSIToFP(signedOnes, e.vector(e.ir.getFloatTy()));
  if (!chunk.lanes)
    return numbers;
  // The last byte's high nibble may lie behind the row.
  return e.ir.CreateSelect(chunk.lanes, numbers, e.splat(e.f32(0.0f)));
}

Value *ChainMemory::load(ElementType type, Value *row, const Chunk &chunk) {
  switch (type) {
  case ElementType::I4:
    return loadNibbles(row, chunk);
  case ElementType::I8:
    return e.ir.CreateSIToFP(loadElements(e.ir.getInt8Ty(), row, chunk),
                             e.vector(e.ir.getFloatTy()));
  case ElementType::F16:
    return numerics.fromHalfBits(loadElements(e.ir.getInt16Ty(), row, chunk), e.isa.halfConversion);
  default:
    return loadElements(e.ir.getFloatTy(), row, chunk);
  }
}

Value *ChainMemory::loadOne(ElementType type, Value *row, Value *index) {
  if (type == ElementType::F32)
    return e.ir.CreateLoad(e.ir.getFloatTy(), e.at(row, e.ir.CreateShl(index, 2)));
  if (type == ElementType::F16) {
    Value *half = e.ir.CreateLoad(e.ir.getInt16Ty(), e.at(row, e.ir.CreateShl(index, 1)));
    return numerics.fromHalfBits(half, e.isa.halfConversion);
  }
  Value *byte = e.ir.CreateLoad(e.ir.getInt8Ty(), e.at(row, e.ir.CreateLShr(index, 1)));
  Value *odd = e.ir.CreateTrunc(index, e.ir.getInt1Ty());
  Value *low = e.ir.CreateAnd(byte, e.ir.getInt8(15));
  Value *nibble = e.ir.CreateSelect(odd, e.ir.CreateLShr(byte, 4), low);
  return e.ir.CreateUIToFP(nibble, e.ir.getFloatTy());
}

Value *ChainMemory::loadGroup(ElementType type, Value *row, uint32_t group, const Chunk &chunk) {
  if (group % kLanes == 0)
    return e.splat(loadOne(type, row, e.ir.CreateUDiv(chunk.column, e.index(group))));
  Value *result = e.splat(e.f32(0.0f));
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    // A lane behind the row repeats the row's last column.
    Value *offset = e.index(lane);
    if (chunk.lanes)
      offset = e.smaller(offset, e.ir.CreateSub(chunk.rest, e.index(1)));
    Value *index = e.ir.CreateUDiv(e.ir.CreateAdd(chunk.column, offset), e.index(group));
    result = e.ir.CreateInsertElement(result, loadOne(type, row, index), uint64_t(lane));
  }
  return result;
}

void ChainMemory::store(ElementType type, Value *value, Value *row, const Chunk &chunk) {
  if (type == ElementType::F16)
    value = numerics.toHalfBits(value);
  else if (type == ElementType::I8)
    value = numerics.toInt8(value);
  const uint32_t bytes = value->getType()->getScalarSizeInBits() / 8;
  Value *to = e.at(row, e.ir.CreateMul(chunk.column, e.index(bytes)));
  // LLVM 22 turns a truncating masked store of one known lane into a store of the untruncated
  // element.
  if (chunk.single)
    e.ir.CreateStore(e.ir.CreateExtractElement(value, uint64_t(0)), to);
  else if (chunk.lanes)
    e.ir.CreateMaskedStore(value, to, llvm::Align(bytes), chunk.lanes);
  else
    e.ir.CreateAlignedStore(value, to, llvm::Align(bytes));
}

} // namespace llmc::target
