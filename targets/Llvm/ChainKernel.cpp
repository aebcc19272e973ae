#include "targets/Llvm/ChainKernel.h"

#include "targets/Llvm/ChainMemory.h"
#include "targets/Llvm/Layout/ChainPhases.h"

#include <limits>

namespace llmc::target {

using llvm::Value;

namespace {

class ChainEmitter {
public:
  ChainEmitter(Emitter &emitter, const VectorChain &chain, const ChainPhases &phases,
               const std::vector<KernelOperand> &operands)
      : e(emitter), numerics(emitter.ir), memory(emitter, numerics), chain(chain), phases(phases),
        operands(operands), scalars(chain.steps.size()), buffers(chain.steps.size()) {}

  void run();

private:
  void row(Value *token, Value *sub);
  void scalarsOf(uint32_t phase);
  void columnsOf(uint32_t phase);
  /// One chunk of a loop: its buffers, stores, and reductions. Returns the reductions' next state.
  Emitter::Values chunkOf(uint32_t phase, const Chunk &chunk, llvm::ArrayRef<Value *> state);

  /// The result of a step for this chunk; a scalar stays one.
  Value *value(unsigned index, uint32_t phase, const Chunk &chunk);
  Value *load(const ChainStep &step, const Chunk &chunk);
  /// A step that computes from values of one kind.
  Value *compute(const ChainStep &step, Value *x, Value *y);
  Value *keepVisible(Value *x, const Chunk &chunk);
  Value *visibleLanes(const Chunk &chunk);

  Value *reductionStart(Step step);
  Value *reduce(Step step, Value *state, Value *x, const Chunk &chunk);
  Value *reductionEnd(Step step, Value *state);

  Value *rowOf(uint8_t operand);

  Emitter &e;
  NumericsIr numerics;
  ChainMemory memory;
  const VectorChain &chain;
  const ChainPhases &phases;
  const std::vector<KernelOperand> &operands;
  Value *columns = nullptr, *position = nullptr;
  Value *token = nullptr, *sub = nullptr; ///< Of the current row.
  Emitter::Values scalars;                ///< Results that are one number, of the current row.
  Emitter::Values buffers;                ///< Row buffers by step.
  llvm::DenseMap<unsigned, Value *> chunkValues;
};

Value *ChainEmitter::rowOf(uint8_t operand) {
  const KernelOperand &where = operands[operand];
  Value *offset = e.ir.CreateAdd(e.ir.CreateMul(token, e.index(where.tokenStride)),
                                 e.ir.CreateMul(sub, e.index(where.subStride)));
  return e.at(e.operand(operand), offset);
}

void ChainEmitter::run() {
  columns = e.extent(chain.columns);
  if (chain.positionArgument >= 0)
    position = e.ir.CreateAdd(e.argument(chain.positionArgument), e.index(chain.firstToken));
  for (size_t index = 0; index < chain.steps.size(); ++index)
    if (phases.steps[index].buffered)
      buffers[index] = e.stack((uint64_t(chain.columns.value) + kLanes - 1) / kLanes * kLanes * 4);
  Value *subRows = e.index(chain.subRows);
  const auto [first, last] = e.share(e.ir.CreateMul(e.extent(chain.tokens), subRows));
  e.loop(first, last, 1, [&](Value *index) {
    row(e.ir.CreateUDiv(index, subRows), e.ir.CreateURem(index, subRows));
  });
}

void ChainEmitter::row(Value *rowToken, Value *rowSub) {
  token = rowToken;
  sub = rowSub;
  for (uint32_t phase = 0; phase < phases.loops; ++phase) {
    scalarsOf(phase);
    columnsOf(phase);
  }
  scalarsOf(phases.loops);
}

void ChainEmitter::scalarsOf(uint32_t phase) {
  for (size_t index = 0; index < chain.steps.size(); ++index) {
    const ChainStep &step = chain.steps[index];
    const ChainPhases::Info &info = phases.steps[index];
    if (info.vector || info.phase != phase || traitsOf(step.step).reduces ||
        step.step == Step::StoreMatrix)
      continue;
    if (step.step == Step::Constant)
      scalars[index] = e.f32(step.imm);
    else if (step.step == Step::LoadScalar)
      scalars[index] = e.ir.CreateLoad(e.ir.getFloatTy(), rowOf(step.operand));
    else if (step.step == Step::StoreScalar)
      e.ir.CreateStore(scalars[step.a], rowOf(step.operand));
    else
      scalars[index] = compute(step, scalars[step.a], scalars[step.b]);
  }
}

void ChainEmitter::columnsOf(uint32_t phase) {
  llvm::SmallVector<unsigned, 4> reductions;
  Emitter::Values state;
  for (unsigned index = 0; index < chain.steps.size(); ++index)
    if (traitsOf(chain.steps[index].step).reduces && phases.steps[index].phase == phase) {
      reductions.push_back(index);
      state.push_back(reductionStart(chain.steps[index].step));
    }
  Value *whole = e.ir.CreateAnd(columns, e.index(~uint64_t(kLanes - 1)));
  state = e.loop(e.index(0), whole, kLanes, state, [&](Value *column, llvm::ArrayRef<Value *> now) {
    return chunkOf(phase, {.column = column}, now);
  });
  if (chain.columns.argument >= 0 || chain.columns.value % kLanes != 0)
    state = e.loop(whole, columns, kLanes, state, [&](Value *column, llvm::ArrayRef<Value *> now) {
      Value *rest = e.ir.CreateSub(columns, column);
      const bool single = chain.columns.argument < 0 && chain.columns.value % kLanes == 1;
      return chunkOf(phase, {column, e.firstLanes(rest), rest, single}, now);
    });
  for (auto [index, last] : llvm::zip_equal(reductions, state))
    scalars[index] = reductionEnd(chain.steps[index].step, last);
}

Emitter::Values ChainEmitter::chunkOf(uint32_t phase, const Chunk &chunk,
                                      llvm::ArrayRef<Value *> state) {
  chunkValues.clear();
  Emitter::Values next;
  // Every load that a store may overwrite comes before the stores.
  for (unsigned index = 0; index < chain.steps.size(); ++index)
    if (phases.steps[index].buffered && phases.steps[index].phase == phase)
      e.ir.CreateAlignedStore(value(index, phase, chunk),
                              e.at(buffers[index], e.ir.CreateShl(chunk.column, 2)),
                              llvm::Align(64));
  for (unsigned index = 0; index < chain.steps.size(); ++index) {
    const ChainStep &step = chain.steps[index];
    if (phases.steps[index].phase == phase &&
        (traitsOf(step.step).reduces || step.step == Step::StoreMatrix))
      value(step.a, phase, chunk);
  }
  for (unsigned index = 0; index < chain.steps.size(); ++index) {
    const ChainStep &step = chain.steps[index];
    if (phases.steps[index].phase != phase)
      continue;
    if (traitsOf(step.step).reduces)
      next.push_back(reduce(step.step, state[next.size()], value(step.a, phase, chunk), chunk));
    else if (step.step == Step::StoreMatrix)
      memory.store(operands[step.operand].type, value(step.a, phase, chunk), rowOf(step.operand),
                   chunk);
  }
  return next;
}

Value *ChainEmitter::value(unsigned index, uint32_t phase, const Chunk &chunk) {
  const ChainPhases::Info &info = phases.steps[index];
  if (!info.vector)
    return scalars[index];
  if (Value *known = chunkValues.lookup(index))
    return known;
  const ChainStep &step = chain.steps[index];
  Value *result;
  if (info.buffered && info.phase < phase) {
    Value *from = e.at(buffers[index], e.ir.CreateShl(chunk.column, 2));
    result = e.ir.CreateAlignedLoad(e.vector(e.ir.getFloatTy()), from, llvm::Align(64));
  } else if (isLoad(step.step)) {
    result = load(step, chunk);
  } else {
    Value *x = value(step.a, phase, chunk);
    if (step.step == Step::MaskVisible) {
      result = keepVisible(x, chunk);
    } else {
      const bool binary = step.step <= Step::Min || step.step == Step::KeepGe;
      Value *y = binary ? value(step.b, phase, chunk) : x;
      x = x->getType()->isVectorTy() ? x : e.splat(x);
      y = y->getType()->isVectorTy() ? y : e.splat(y);
      result = compute(step, x, y);
    }
  }
  return chunkValues[index] = result;
}

Value *ChainEmitter::load(const ChainStep &step, const Chunk &chunk) {
  const ElementType type = operands[step.operand].type;
  if (step.step == Step::LoadGroup)
    return memory.loadGroup(type, rowOf(step.operand), uint32_t(step.imm), chunk);
  Value *from = step.step == Step::LoadRow ? e.operand(step.operand) : rowOf(step.operand);
  return memory.load(type, from, chunk);
}

Value *ChainEmitter::compute(const ChainStep &step, Value *x, Value *y) {
  llvm::IRBuilder<> &ir = e.ir;
  switch (step.step) {
  case Step::Add:
    return ir.CreateFAdd(x, y);
  case Step::Sub:
    return ir.CreateFSub(x, y);
  case Step::Mul:
    return ir.CreateFMul(x, y);
  case Step::Max:
    return ir.CreateSelect(ir.CreateFCmpOGT(x, y), x, y);
  case Step::Min:
    return ir.CreateSelect(ir.CreateFCmpOLT(x, y), x, y);
  case Step::Recip:
    return numerics.recip(x);
  case Step::Rsqrt:
    return numerics.rsqrt(x);
  case Step::Exp:
    return numerics.exp(x);
  case Step::Sigmoid:
    return numerics.sigmoid(x);
  case Step::InverseScale:
    return numerics.activationInverseScale(x);
  case Step::ActivationScale:
    return numerics.activationScale(x);
  case Step::KeepGe: {
    llvm::Type *type = x->getType();
    Value *kept = ir.CreateFCmpOGE(y, llvm::ConstantFP::get(type, double(step.imm)));
    return ir.CreateSelect(kept, x, llvm::ConstantFP::get(type, 0.0));
  }
  default: // RoundF16; the cut lets nothing else come here.
    return numerics.fromHalfBits(numerics.toHalfBits(x), e.isa.halfConversion);
  }
}

/// Lanes whose column is at most the row's own position.
Value *ChainEmitter::visibleLanes(const Chunk &chunk) {
  Value *visible = e.ir.CreateAdd(e.ir.CreateAdd(position, token), e.index(1));
  Value *from = e.ir.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, visible, chunk.column);
  Value *lanes = e.firstLanes(from);
  return chunk.lanes ? e.ir.CreateAnd(lanes, chunk.lanes) : lanes;
}

Value *ChainEmitter::keepVisible(Value *x, const Chunk &chunk) {
  return e.ir.CreateSelect(visibleLanes(chunk), x, e.splat(e.f32(0.0f)));
}

Value *ChainEmitter::reductionStart(Step step) {
  if (step == Step::AbsMax)
    return e.splat(e.ir.getInt32(0));
  return e.splat(e.f32(step == Step::SumLanes ? 0.0f : -std::numeric_limits<float>::infinity()));
}

Value *ChainEmitter::reduce(Step step, Value *state, Value *x, const Chunk &chunk) {
  llvm::IRBuilder<> &ir = e.ir;
  if (step == Step::MaxVisible) {
    Value *larger = ir.CreateAnd(ir.CreateFCmpOGT(x, state), visibleLanes(chunk));
    return ir.CreateSelect(larger, x, state);
  }
  // A missing element adds +0, which changes no sum that started at +0, and is no maximum.
  if (chunk.lanes)
    x = ir.CreateSelect(chunk.lanes, x, e.splat(e.f32(0.0f)));
  if (step == Step::SumLanes)
    return ir.CreateFAdd(state, x);
  return ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, state, numerics.magnitude(x));
}

Value *ChainEmitter::reductionEnd(Step step, Value *state) {
  llvm::IRBuilder<> &ir = e.ir;
  if (step == Step::AbsMax)
    return numerics.asFloat(ir.CreateIntMaxReduce(state, true));
  return e.joinLanes(state, [&](Value *lower, Value *upper) {
    if (step == Step::SumLanes)
      return ir.CreateFAdd(lower, upper);
    return ir.CreateSelect(ir.CreateFCmpOGT(upper, lower), upper, lower);
  });
}

} // namespace

bool emitChain(llvm::Module &module, const IsaTable &isa, const std::string &name,
               const VectorChain &chain, const std::vector<KernelOperand> &operands,
               std::string &error) {
  const auto phases = cutChain(chain, operands, error, isa.stackBytes);
  if (!phases)
    return false;
  Emitter emitter(module, isa, name, operands);
  ChainEmitter(emitter, chain, *phases, operands).run();
  emitter.finish();
  return true;
}

} // namespace llmc::target
