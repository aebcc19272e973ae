// What a command reads and writes, for liveness, hazards and traffic.
#include "dialects/Npu/NpuAccess.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace llmc::npu {

bool isCommand(Operation *op) {
  return isa<DmaOp, MatmulOp, ChainOp, PackRowsOp, EmbedRowsOp, AttentionOp>(op);
}

Operation *commandOf(KernelOp kernel) { return &kernel.getBody().front().back(); }

Engine engineOf(Operation *command) {
  if (auto dma = dyn_cast<DmaOp>(command))
    return dma.getStore() ? Engine::Store : Engine::Load;
  return isa<MatmulOp, AttentionOp>(command) ? Engine::Tensor : Engine::Vector;
}

namespace {

BufferAccess accessOf(Value buffer, Attribute attribute, bool isWrite) {
  auto access = cast<AccessAttr>(attribute);
  return {buffer, access.getOffset(), access.getBytes(), isWrite};
}

BufferAccess accessOf(DmaOp dma) {
  int64_t last = dma.getRun().getValue();
  for (auto [count, stride] : llvm::zip(dma.getCounts(), dma.getBufferStrides()))
    last += (cast<ExtentAttr>(count).getValue() - 1) * stride;
  return {dma.getBuffer(), int64_t(dma.getOffset()), last, !dma.getStore()};
}

/// Of commands that write their last operand and read the others.
SmallVector<BufferAccess, 6> accessesOf(ValueRange operands, ArrayAttr accesses) {
  SmallVector<BufferAccess, 6> result;
  for (auto [index, operand] : llvm::enumerate(operands))
    result.push_back(accessOf(operand, accesses[index], index + 1 == operands.size()));
  return result;
}

SmallVector<BufferAccess, 6> accessesOf(MatmulOp matmul) {
  SmallVector<BufferAccess, 6> result = accessesOf(matmul.getOperands(), matmul.getAccesses());
  unsigned out = matmul.getOperands().size() - 1;
  if (matmul.getAccumulate() || matmul.getEpilogue() == Epilogue::Add)
    result.push_back(accessOf(matmul.getOperands()[out], matmul.getAccesses()[out], false));
  return result;
}

SmallVector<BufferAccess, 6> accessesOf(ChainOp chain) {
  SmallVector<BufferAccess, 6> result;
  for (StepAttr step : chain.getSteps().getAsRange<StepAttr>()) {
    if (step.getOperand() < 0)
      continue;
    bool isWrite =
        step.getKind() == StepKind::StoreMatrix || step.getKind() == StepKind::StoreScalar;
    result.push_back(accessOf(chain.getOperands()[step.getOperand()],
                              chain.getAccesses()[step.getOperand()], isWrite));
  }
  return result;
}

} // namespace

SmallVector<BufferAccess, 6> accessesOf(Operation *command) {
  if (auto dma = dyn_cast<DmaOp>(command))
    return {accessOf(dma)};
  if (auto matmul = dyn_cast<MatmulOp>(command))
    return accessesOf(matmul);
  if (auto chain = dyn_cast<ChainOp>(command))
    return accessesOf(chain);
  return llvm::TypeSwitch<Operation *, SmallVector<BufferAccess, 6>>(command)
      .Case<PackRowsOp, EmbedRowsOp, AttentionOp>(
          [](auto op) { return accessesOf(op.getOperands(), op.getAccesses()); });
}

ArrayAttr operandAccessesOf(Operation *command) {
  return command->getAttrOfType<ArrayAttr>("accesses");
}

ArrayAttr waitsOf(Operation *command) { return command->getAttrOfType<ArrayAttr>("waits"); }

void setWaits(Operation *command, ArrayAttr waits) {
  if (waits.empty())
    command->removeAttr("waits");
  else
    command->setAttr("waits", waits);
}

StringRef labelOf(Operation *op) { return op->getAttrOfType<StringAttr>("label").getValue(); }

int64_t bytesOf(Value buffer) {
  if (auto view = buffer.getDefiningOp<ViewOp>())
    return view.getBytes();
  return buffer.getDefiningOp<BufferOp>().getBytes();
}

unsigned bitsOf(Element element) {
  switch (element) {
  case Element::F32:
  case Element::I32:
    return 32;
  case Element::F16:
    return 16;
  case Element::I8:
  case Element::U8:
    return 8;
  case Element::I4:
  case Element::U4:
    return 4;
  }
  llvm_unreachable("all elements are listed");
}

int64_t maxBytesOf(DmaOp dma) {
  int64_t bytes = dma.getRun().getValue();
  for (ExtentAttr count : dma.getCounts().getAsRange<ExtentAttr>())
    bytes *= count.getValue();
  return bytes;
}

CommandList commandsOf(ProgramOp program) {
  CommandList list;
  bool seenTrips = false;
  for (Operation &op : program.getBody().front()) {
    if (auto trips = dyn_cast<TripsOp>(op)) {
      seenTrips = true;
      list.trips = trips.getCount();
      for (Operation &inner : trips.getBody().front())
        if (isCommand(&inner))
          list.body.push_back(&inner);
    } else if (isCommand(&op)) {
      (seenTrips ? list.epilogue : list.prologue).push_back(&op);
    }
  }
  return list;
}

void AccessRange::add(uint32_t step, unsigned section) {
  first = std::min(first, step);
  last = std::max(last, step + 1);
  inSection[section] = true;
}

void AccessRange::close(const CommandList &commands) {
  if (!inSection[1] || sections() == 1)
    return;
  const auto bodyFirst = uint32_t(commands.prologue.size());
  first = std::min(first, bodyFirst);
  last = std::max(last, bodyFirst + uint32_t(commands.body.size()));
}

llvm::DenseMap<Value, AccessRange> accessRangesOf(const CommandList &commands) {
  llvm::DenseMap<Value, AccessRange> ranges;
  uint32_t step = 0;
  unsigned section = 0;
  for (const auto *list : {&commands.prologue, &commands.body, &commands.epilogue}) {
    for (Operation *command : *list) {
      for (const BufferAccess &access : accessesOf(command))
        ranges[access.buffer].add(step, section);
      ++step;
    }
    ++section;
  }
  for (auto &[buffer, range] : ranges)
    range.close(commands);
  return ranges;
}

} // namespace llmc::npu
