// Verifiers of the npu operations.
#include "dialects/Npu/Npu.h"
#include "dialects/Npu/NpuAccess.h"

#define GET_OP_CLASSES
#include "dialects/Npu/NpuOps.cpp.inc"

using namespace mlir;

namespace llmc::npu {

namespace {

bool isReadOnly(Space space) {
  return space == Space::Weights || space == Space::Ids || space == Space::Paged;
}

/// Accesses stay inside their buffers, and what is read only is not written. Gathered rows are in
/// memory of their own.
LogicalResult checkAccesses(Operation *op) {
  auto embed = dyn_cast<EmbedRowsOp>(op);
  for (const BufferAccess &access : accessesOf(op)) {
    if (embed && embed.getGathered() && access.buffer == embed.getOperands()[1])
      continue;
    Operation *owner = access.buffer.getDefiningOp();
    if (!isa_and_nonnull<BufferOp, ViewOp>(owner))
      return op->emitOpError() << "operands must be npu.buffer or npu.view values";
    int64_t bytes = bytesOf(access.buffer);
    if (access.begin < 0 || access.bytes < 0 || access.begin + access.bytes > bytes)
      return op->emitOpError() << "touches bytes " << access.begin << " to "
                               << access.begin + access.bytes << " of buffer '" << labelOf(owner)
                               << "', which has " << bytes;
    auto view = dyn_cast<ViewOp>(owner);
    if (access.isWrite && view && isReadOnly(view.getPlace().getSpace()))
      return op->emitOpError() << "writes to " << stringifySpace(view.getPlace().getSpace())
                               << ", which is read only";
  }
  return success();
}

template <class Attr> LogicalResult checkArray(Operation *op, ArrayAttr array, const char *what) {
  for (Attribute element : array)
    if (!isa<Attr>(element))
      return op->emitOpError() << "every element of " << what
                               << " must be of its own attribute kind, found " << element;
  return success();
}

/// Of a command with `count` operands.
LogicalResult checkOperands(Operation *op, unsigned count) {
  ArrayAttr accesses = operandAccessesOf(op);
  if (op->getNumOperands() != count || accesses.size() != count)
    return op->emitOpError() << "has " << count << " operands, each with its access";
  if (failed(checkArray<AccessAttr>(op, accesses, "accesses")))
    return failure();
  return checkAccesses(op);
}

bool isStore(StepKind kind) {
  return kind == StepKind::StoreMatrix || kind == StepKind::StoreScalar;
}

bool isLoad(StepKind kind) {
  return kind == StepKind::LoadMatrix || kind == StepKind::LoadRow ||
         kind == StepKind::LoadScalar || kind == StepKind::LoadGroup;
}

unsigned inputsOf(StepKind kind) {
  switch (kind) {
  case StepKind::Add:
  case StepKind::Sub:
  case StepKind::Mul:
  case StepKind::Max:
  case StepKind::Min:
  case StepKind::KeepGe:
    return 2;
  default:
    return isLoad(kind) || kind == StepKind::Constant ? 0 : 1;
  }
}

} // namespace

LogicalResult ConstantOp::verify() {
  if (int64_t(getOffset()) < 0 || int64_t(getBytes()) <= 0)
    return emitOpError() << "must have a place and a size";
  if (getFormat() && getSources().size() < 2)
    return emitOpError() << "a packed matrix needs elements and scales";
  return checkArray<FlatSymbolRefAttr>(*this, getSources(), "sources");
}

/// Run-time arguments that a command names, -1 among them where it could and does not.
static SmallVector<int64_t> argumentsOf(Operation *command) {
  SmallVector<int64_t> named;
  command->getAttrDictionary().walk([&](Attribute attribute) {
    if (auto extent = dyn_cast<ExtentAttr>(attribute))
      named.push_back(extent.getArgument());
    else if (auto place = dyn_cast<PlaceAttr>(attribute))
      named.push_back(place.getArgument());
    else if (auto access = dyn_cast<AccessAttr>(attribute))
      named.push_back(access.getArgument());
  });
  if (auto chain = dyn_cast<ChainOp>(command))
    named.push_back(chain.getPositionArgument());
  if (auto attention = dyn_cast<AttentionOp>(command))
    named.push_back(attention.getPositionArgument());
  return named;
}

LogicalResult ProgramOp::verifyRegions() {
  if (failed(checkArray<ArgumentAttr>(*this, getArguments(), "arguments")))
    return failure();
  if (llvm::range_size(getBody().front().getOps<TripsOp>()) > 1)
    return emitOpError() << "has more than one npu.trips; a machine's list has one loop";
  WalkResult result = walk([&](Operation *op) {
    if (!isCommand(op))
      return WalkResult::advance();
    for (int64_t argument : argumentsOf(op))
      if (argument < -1 || argument >= int64_t(getArguments().size())) {
        op->emitOpError() << "names argument " << argument << " of a program that has "
                          << getArguments().size();
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult TripsOp::verify() {
  if (int64_t(getCount()) < 1)
    return emitOpError() << "must run at least once";
  return success();
}

LogicalResult DmaOp::verify() {
  if (getCounts().size() != 2 || getPlaceStrides().size() != 2 || getBufferStrides().size() != 2)
    return emitOpError() << "needs two outer counts and two strides on either side";
  if (failed(checkArray<ExtentAttr>(*this, getCounts(), "counts")))
    return failure();
  if (getIds() && getStore())
    return emitOpError() << "cannot scatter: gather reads only";
  if (getStore() && isReadOnly(getPlace().getSpace()))
    return emitOpError() << "stores to " << stringifySpace(getPlace().getSpace())
                         << ", which is read only";
  return checkAccesses(*this);
}

LogicalResult MatmulOp::verify() {
  unsigned want = getKind() == MatmulKind::Linear ? 4 : 3;
  if (getOperands().size() != want || getAccesses().size() != want)
    return emitOpError() << stringifyMatmulKind(getKind()) << " has " << want
                         << " operands, each with its access";
  if ((getKind() == MatmulKind::Linear) != bool(getFormat()))
    return emitOpError() << "a weight format belongs to 'linear' and to nothing else";
  if (getEpilogue() != Epilogue::Store && getKind() != MatmulKind::Linear)
    return emitOpError() << "has an epilogue, which belongs to 'linear' and to nothing else";
  if (getEpilogue() == Epilogue::SiluMul && getN().getValue() % 2 != 0)
    return emitOpError() << "has " << getN().getValue()
                         << " rows of weights, which must be as many gates as others";
  if (failed(checkArray<AccessAttr>(*this, getAccesses(), "accesses")))
    return failure();
  return checkAccesses(*this);
}

LogicalResult ChainOp::verify() {
  if (getOperands().size() != getAccesses().size())
    return emitOpError() << "needs one access for each operand";
  if (failed(checkArray<AccessAttr>(*this, getAccesses(), "accesses")) ||
      failed(checkArray<StepAttr>(*this, getSteps(), "steps")))
    return failure();
  int64_t index = 0;
  for (StepAttr step : getSteps().getAsRange<StepAttr>()) {
    unsigned inputs = inputsOf(step.getKind());
    bool touches = isLoad(step.getKind()) || isStore(step.getKind());
    if ((inputs > 0) != (step.getA() >= 0) || (inputs > 1) != (step.getB() >= 0) ||
        step.getA() >= index || step.getB() >= index)
      return emitOpError() << "step " << index << " (" << stringifyStepKind(step.getKind())
                           << ") must read " << inputs << " earlier steps";
    if (touches != (step.getOperand() >= 0) || step.getOperand() >= int64_t(getOperands().size()))
      return emitOpError() << "step " << index << " (" << stringifyStepKind(step.getKind())
                           << ") names a wrong operand";
    ++index;
  }
  return checkAccesses(*this);
}

LogicalResult ViewOp::verify() {
  if (int64_t(getBytes()) <= 0 || getPlace().getOffset() < 0)
    return emitOpError() << "must have a place and a size";
  if (getPlace().getArgument() >= 0)
    return emitOpError() << "is moved by an argument; the access of an operand is, a view is not";
  if (getSlot() && getPlace().getSpace() != Space::Paged)
    return emitOpError() << "has a slot, which belongs to 'paged' weights and to nothing else";
  if (getSecond() && (!getSlot() || getBytes() % 2 != 0))
    return emitOpError() << "has a second half, which pages of an even size have";
  return success();
}

LogicalResult PackRowsOp::verify() {
  if (int64_t(getColumns()) < 1)
    return emitOpError() << "needs columns";
  return checkOperands(*this, 2);
}

LogicalResult EmbedRowsOp::verify() {
  if (int64_t(getColumns()) < 1)
    return emitOpError() << "needs columns";
  return checkOperands(*this, 3);
}

LogicalResult AttentionOp::verify() {
  if (int64_t(getKvHeads()) < 1 || int64_t(getHeads()) < 1 || getHeads() % getKvHeads() != 0)
    return emitOpError() << "has " << getHeads() << " heads, which must be a multiple of the "
                         << getKvHeads() << " heads of the cache";
  if (int64_t(getHeadDim()) < 1 || int64_t(getCapacity()) < 1 || int64_t(getPositionArgument()) < 0)
    return emitOpError() << "needs a head size, a capacity and a position";
  return checkOperands(*this, 4);
}

LogicalResult KernelOp::verifyRegions() {
  Block &body = getBody().front();
  if (body.empty() || !isCommand(&body.back()) || isa<DmaOp>(body.back()))
    return emitOpError() << "must end with its command, which is no transfer";
  for (Operation &op : body.without_terminator())
    if (&op != &body.back() && !isa<ViewOp>(op))
      return op.emitOpError() << "stands in a kernel, which has views and one command";
  if (body.back().getNumOperands() + 1 != body.getOperations().size())
    return emitOpError() << "must have one view for each operand of its command";
  return success();
}

} // namespace llmc::npu
