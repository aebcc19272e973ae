#include "targets/Llvm/Emitter.h"

#include "llvm/Support/MathExtras.h"

namespace llmc::target {

using llvm::Value;

Emitter::Emitter(llvm::Module &module, const IsaTable &isa, const std::string &name,
                 const std::vector<KernelOperand> &described)
    : ir(module.getContext()), isa(isa),
      indices(module.getDataLayout().getIntPtrType(module.getContext())), described(described) {
  llvm::Type *pointer = ir.getPtrTy(), *word = ir.getInt32Ty();
  auto *type = llvm::FunctionType::get(ir.getVoidTy(), {pointer, pointer, word, word}, false);
  function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  const char *names[] = {"operands", "params", "part", "parts"};
  for (auto [argument, argumentName] : llvm::zip(function->args(), names))
    argument.setName(argumentName);
  ir.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "entry", function));
}

llvm::ConstantInt *Emitter::index(uint64_t value) {
  const uint64_t bits = value & llvm::maskTrailingOnes<uint64_t>(indices->getBitWidth());
  return llvm::ConstantInt::get(indices, bits);
}

Value *Emitter::operand(unsigned number) {
  Value *&known = operands[number];
  if (known)
    return known;
  const llvm::IRBuilder<>::InsertPointGuard guard(ir);
  llvm::BasicBlock &entry = function->getEntryBlock();
  ir.SetInsertPoint(&entry, entry.getFirstInsertionPt());
  Value *slot = ir.CreateConstInBoundsGEP1_64(ir.getPtrTy(), function->getArg(0), number);
  known = ir.CreateLoad(ir.getPtrTy(), slot, "operand" + llvm::Twine(number));
  const KernelOperand &operand = described[number];
  if (operand.argument >= 0 && operand.argumentStride != 0)
    known = at(known, ir.CreateMul(argument(operand.argument), index(operand.argumentStride)));
  return known;
}

Value *Emitter::argument(int16_t number) {
  Value *slot = ir.CreateConstInBoundsGEP1_64(ir.getInt32Ty(), function->getArg(1), number);
  return asIndex(ir.CreateLoad(ir.getInt32Ty(), slot));
}

Value *Emitter::extent(const Extent &extent) {
  return extent.argument < 0 ? index(extent.value) : argument(extent.argument);
}

Value *Emitter::smaller(Value *x, Value *y) {
  return ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, x, y);
}

Value *Emitter::part() { return asIndex(function->getArg(2)); }

Value *Emitter::parts() { return asIndex(function->getArg(3)); }

std::pair<Value *, Value *> Emitter::share(Value *count) {
  Value *number = part(), *all = parts();
  Value *first = ir.CreateUDiv(ir.CreateMul(count, number), all);
  Value *next = ir.CreateAdd(number, index(1));
  return {first, ir.CreateUDiv(ir.CreateMul(count, next), all)};
}

/// for (index = from; index < to; index = body(index, state)), where body also replaces the values
/// of the state; returns the last ones.
static Emitter::Values
repeat(llvm::IRBuilder<> &ir, Value *from, Value *to, llvm::ArrayRef<Value *> initial,
       llvm::function_ref<Value *(Value *index, Emitter::Values &state)> body) {
  llvm::LLVMContext &context = ir.getContext();
  llvm::BasicBlock *before = ir.GetInsertBlock();
  llvm::Function *function = before->getParent();
  auto *head = llvm::BasicBlock::Create(context, "head", function);
  auto *inside = llvm::BasicBlock::Create(context, "body", function);
  auto *after = llvm::BasicBlock::Create(context, "after", function);
  ir.CreateBr(head);
  ir.SetInsertPoint(head);
  llvm::PHINode *counter = ir.CreatePHI(from->getType(), 2);
  counter->addIncoming(from, before);
  llvm::SmallVector<llvm::PHINode *, 8> phis;
  for (Value *value : initial) {
    phis.push_back(ir.CreatePHI(value->getType(), 2));
    phis.back()->addIncoming(value, before);
  }
  ir.CreateCondBr(ir.CreateICmpULT(counter, to), inside, after);
  ir.SetInsertPoint(inside);
  Emitter::Values state(phis.begin(), phis.end());
  Value *following = body(counter, state);
  for (auto [phi, value] : llvm::zip_equal(phis, state))
    phi->addIncoming(value, ir.GetInsertBlock());
  counter->addIncoming(following, ir.GetInsertBlock());
  ir.CreateBr(head);
  ir.SetInsertPoint(after);
  return {phis.begin(), phis.end()};
}

Emitter::Values Emitter::loop(Value *from, Value *to, uint64_t step,
                              llvm::ArrayRef<Value *> initial, Step body) {
  return repeat(ir, from, to, initial, [&](Value *index, Values &state) {
    state = body(index, state);
    return ir.CreateNUWAdd(index, llvm::ConstantInt::get(from->getType(), step));
  });
}

void Emitter::loop(Value *from, Value *to, uint64_t step, Body body) {
  loop(from, to, step, {}, [&](Value *index, llvm::ArrayRef<Value *>) {
    body(index);
    return Values();
  });
}

void Emitter::walk(Value *from, Value *to, llvm::function_ref<Value *(Value *)> body) {
  repeat(ir, from, to, {}, [&](Value *index, Values &) { return body(index); });
}

void Emitter::when(Value *condition, llvm::function_ref<void()> body) {
  llvm::LLVMContext &context = ir.getContext();
  auto *inside = llvm::BasicBlock::Create(context, "then", function);
  auto *after = llvm::BasicBlock::Create(context, "after", function);
  ir.CreateCondBr(condition, inside, after);
  ir.SetInsertPoint(inside);
  body();
  ir.CreateBr(after);
  ir.SetInsertPoint(after);
}

Value *Emitter::stack(uint64_t bytes) {
  const llvm::IRBuilder<>::InsertPointGuard guard(ir);
  llvm::BasicBlock &entry = function->getEntryBlock();
  ir.SetInsertPoint(&entry, entry.getFirstInsertionPt());
  llvm::AllocaInst *memory = ir.CreateAlloca(llvm::ArrayType::get(ir.getInt8Ty(), bytes));
  memory->setAlignment(llvm::Align(64));
  return memory;
}

Value *Emitter::at(Value *base, Value *offset) {
  return ir.CreateInBoundsGEP(ir.getInt8Ty(), base, offset);
}

Value *Emitter::at(Value *base, uint64_t offset) { return at(base, index(offset)); }

Value *Emitter::rowOf(unsigned number, uint32_t tokenStride, uint32_t subStride, uint32_t subRows,
                      Value *row) {
  Value *token = ir.CreateMul(ir.CreateUDiv(row, index(subRows)), index(tokenStride));
  Value *sub = ir.CreateMul(ir.CreateURem(row, index(subRows)), index(subStride));
  return at(operand(number), ir.CreateAdd(token, sub));
}

void Emitter::prefetch(Value *address, CacheLevel level) {
  constexpr uint32_t read = 0, data = 1;
  const uint32_t locality = level == CacheLevel::First ? 3 : 2;
  ir.CreateIntrinsic(llvm::Intrinsic::prefetch, {ir.getPtrTy()},
                     {address, ir.getInt32(read), ir.getInt32(locality), ir.getInt32(data)});
}

Value *Emitter::multiplyAdd(Value *x, Value *y, Value *sum) {
  if (isa.fusedMultiplyAdd)
    return ir.CreateIntrinsic(sum->getType(), llvm::Intrinsic::fma, {x, y, sum});
  return ir.CreateFAdd(ir.CreateFMul(x, y), sum);
}

Value *Emitter::f32(float value) { return llvm::ConstantFP::get(ir.getFloatTy(), value); }

Value *Emitter::splat(Value *scalar, unsigned lanes) { return ir.CreateVectorSplat(lanes, scalar); }

llvm::FixedVectorType *Emitter::vector(llvm::Type *element, unsigned lanes) {
  return llvm::FixedVectorType::get(element, lanes);
}

Value *Emitter::joinLanes(Value *vector, llvm::function_ref<Value *(Value *, Value *)> join) {
  for (int half = kLanes / 2; half != 0; half /= 2) {
    llvm::SmallVector<int, kLanes> lower, upper;
    for (int lane = 0; lane < half; ++lane) {
      lower.push_back(lane);
      upper.push_back(lane + half);
    }
    vector = join(ir.CreateShuffleVector(vector, lower), ir.CreateShuffleVector(vector, upper));
  }
  return ir.CreateExtractElement(vector, uint64_t(0));
}

Value *Emitter::slice(Value *vector, int first, int count) {
  llvm::SmallVector<int, 64> order;
  for (int i = 0; i < count; ++i)
    order.push_back(first + i);
  return ir.CreateShuffleVector(vector, order);
}

Value *Emitter::join(llvm::ArrayRef<Value *> vectors) {
  if (vectors.size() == 1)
    return vectors[0];
  const size_t half = vectors.size() / 2;
  Value *low = join(vectors.take_front(half)), *high = join(vectors.drop_front(half));
  const int lanes = int(llvm::cast<llvm::FixedVectorType>(low->getType())->getNumElements());
  llvm::SmallVector<int, 64> order;
  for (int i = 0; i < 2 * lanes; ++i)
    order.push_back(i);
  return ir.CreateShuffleVector(low, high, order);
}

Value *Emitter::firstLanes(Value *count) {
  Value *most = llvm::ConstantInt::get(count->getType(), kLanes);
  Value *bounded = smaller(count, most);
  Value *word = ir.CreateZExtOrTrunc(bounded, ir.getInt32Ty());
  llvm::SmallVector<uint32_t, kLanes> lanes;
  for (uint32_t lane = 0; lane < kLanes; ++lane)
    lanes.push_back(lane);
  return ir.CreateICmpULT(llvm::ConstantDataVector::get(ir.getContext(), lanes), splat(word));
}

} // namespace llmc::target
