// Verifiers of entries and steps.
#include "dialects/Plan/PlanReferences.h"

using namespace mlir;

namespace llmc::plan {

namespace {

/// Bytes of a tensor's elements; nothing where a dimension is not positive or they do not fit.
std::optional<uint64_t> bytesOf(TensorAttr tensor) {
  uint64_t elements = 1;
  for (int64_t dim : tensor.getDims()) {
    if (dim <= 0 || elements > UINT32_MAX || !llvm::isUInt<32>(dim))
      return std::nullopt;
    elements *= uint64_t(dim);
  }
  return elements > uint64_t(1) << 56
             ? std::nullopt
             : std::optional((elements * bitsOf(tensor.getDtype()) + 7) / 8);
}

LogicalResult checkTensor(EntryOp entry, SymbolTableCollection &symbols, TensorAttr tensor,
                          bool isInput) {
  auto operand = resolve<OperandOp>(entry, symbols, tensor.getOperand());
  if (!operand)
    return failure();
  if (operand.getStrides() && !operand.getStrides()->empty())
    return entry.emitOpError() << "tensor '" << tensor.getName() << "' is moved by parameters; "
                               << tensor.getOperand() << " must be static";
  std::optional<uint64_t> bytes = bytesOf(tensor);
  if (!bytes || *bytes != operand.getExtent()) {
    InFlightDiagnostic error = entry.emitOpError() << "tensor '" << tensor.getName() << "' has ";
    if (bytes)
      error << *bytes << " bytes";
    else
      error << "bad dimensions";
    return error << ", its operand " << tensor.getOperand() << " " << operand.getExtent();
  }
  TensorRole wrong = isInput ? TensorRole::Logits : TensorRole::Ids;
  if (tensor.getRole() == wrong)
    return entry.emitOpError() << "tensor '" << tensor.getName() << "' of role '"
                               << stringifyTensorRole(wrong) << "' cannot be an "
                               << (isInput ? "input" : "output");
  return success();
}

LogicalResult checkBounds(EntryOp entry, SymbolTableCollection &symbols) {
  auto params = cast<FileOp>(entry->getParentOp()).records<ParamOp>();
  auto position = params.begin();
  // The file's own verifier asks for the first three parameters.
  if (std::distance(params.begin(), params.end()) < 3)
    return success();
  ParamOp tokens = *std::next(position);
  if (entry.getChunk() > tokens.getMax())
    return entry.emitOpError() << "has chunks of " << entry.getChunk()
                               << " tokens, above the maximum of @" << tokens.getSymName() << ", "
                               << tokens.getMax();
  uint64_t last = entry.getStates().empty() ? 0 : uint64_t((*position).getMax());
  if (entry.getPosMax() > last)
    return entry.emitOpError() << "starts at positions up to " << entry.getPosMax()
                               << "; the most is " << last
                               << (last == 0 ? ", since it has no states" : "");
  if (!entry.getRow())
    return entry.getRowMax() == 0 ? LogicalResult(success())
                                  : entry.emitOpError() << "bounds a row but names none";
  auto row = resolve<ParamOp>(entry, symbols, entry.getRowAttr());
  if (row && (row.getKind() != ParamKind::Input || row == *position || row == tokens ||
              entry.getRowMax() > row.getMax()))
    return entry.emitOpError() << "takes its row from " << entry.getRowAttr()
                               << ", which must be an input of its own with a maximum of at least "
                               << entry.getRowMax();
  return success(bool(row));
}

LogicalResult checkPeaks(EntryOp entry, SymbolTableCollection &symbols) {
  for (auto peak : entry.getPeak().getAsRange<PeakAttr>()) {
    auto region = resolve<RegionOp>(entry, symbols, peak.getRegion());
    if (!region)
      return failure();
    if (peak.getBytes() < 0 || (region.getSize() && uint64_t(peak.getBytes()) > *region.getSize()))
      return entry.emitOpError() << "uses " << peak.getBytes() << " bytes of region "
                                 << peak.getRegion() << ", which has "
                                 << region.getSize().value_or(0);
  }
  return success();
}

template <class Record>
LogicalResult resolveAll(Operation *op, SymbolTableCollection &symbols, ArrayAttr references) {
  for (auto reference : references.getAsRange<FlatSymbolRefAttr>())
    if (!resolve<Record>(op, symbols, reference))
      return failure();
  return success();
}

/// The operand exists and allows `access`.
LogicalResult checkUse(Operation *op, SymbolTableCollection &symbols, FlatSymbolRefAttr reference,
                       OperandAccess access) {
  auto operand = resolve<OperandOp>(op, symbols, reference);
  if (!operand)
    return failure();
  if ((operand.getAccess() & access) == access)
    return success();
  return op->emitOpError() << "needs " << stringifyOperandAccess(access) << " access to "
                           << reference << ", which allows <"
                           << stringifyOperandAccess(operand.getAccess()) << ">";
}

LogicalResult checkExtent(Operation *op, SymbolTableCollection &symbols,
                          FlatSymbolRefAttr reference, uint64_t bytes) {
  auto operand = resolve<OperandOp>(op, symbols, reference);
  if (!operand || bytes <= operand.getExtent())
    return success(bool(operand));
  return op->emitOpError() << "touches " << bytes << " bytes of " << reference << ", which has "
                           << operand.getExtent();
}

} // namespace

LogicalResult EntryOp::verifyRegions() {
  Block &body = getBody().front();
  for (Operation &op : body) {
    bool isLast = op.getNextNode() == nullptr;
    if (isa<EndOp>(op) && !isLast)
      return op.emitOpError() << "must be the last step of its entry";
    if (!isa<PlanDialect>(op.getDialect()))
      return op.emitError() << "an entry holds plan steps only";
  }
  if (body.empty() || !isa<EndOp>(body.back()))
    return emitOpError() << "must end with plan.end";
  return success();
}

LogicalResult EntryOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(resolveAll<TargetOp>(*this, symbols, getTargets())) ||
      failed(resolveAll<StateOp>(*this, symbols, getStates())) ||
      failed(checkBounds(*this, symbols)) || failed(checkPeaks(*this, symbols)))
    return failure();
  for (auto tensor : getInputs().getAsRange<TensorAttr>())
    if (failed(checkTensor(*this, symbols, tensor, true)))
      return failure();
  for (auto tensor : getOutputs().getAsRange<TensorAttr>())
    if (failed(checkTensor(*this, symbols, tensor, false)))
      return failure();
  return success();
}

/// The queue exists, and its target is one of the entry's.
static QueueOp checkQueue(Operation *op, SymbolTableCollection &symbols,
                          FlatSymbolRefAttr reference) {
  auto queue = resolve<QueueOp>(op, symbols, reference);
  if (!queue || llvm::is_contained(op->getParentOfType<EntryOp>().getTargets(),
                                   Attribute(queue.getTargetAttr())))
    return queue;
  op->emitOpError() << "uses queue " << reference << " of target " << queue.getTargetAttr()
                    << ", which is not among the entry's targets";
  return nullptr;
}

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = resolve<KernelOp>(*this, symbols, getKernelAttr());
  if (!kernel)
    return failure();
  QueueOp queue = checkQueue(*this, symbols, getQueueAttr());
  if (!queue)
    return failure();
  if (kernel.getTargetAttr() != queue.getTargetAttr())
    return emitOpError() << "submits a kernel of target " << kernel.getTargetAttr()
                         << " to a queue of target " << queue.getTargetAttr();
  if (kernel.getArgs() != getArgs().size())
    return emitOpError() << "gives " << getArgs().size() << " operands to " << getKernelAttr()
                         << ", which takes " << kernel.getArgs();
  return resolveAll<OperandOp>(*this, symbols, getArgs());
}

LogicalResult CopyOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto shape = resolve<DmaOp>(*this, symbols, getShapeAttr());
  if (!shape || !checkQueue(*this, symbols, getQueueAttr()) ||
      failed(checkUse(*this, symbols, getSourceAttr(), OperandAccess::Read)) ||
      failed(checkUse(*this, symbols, getDestinationAttr(), OperandAccess::Write)))
    return failure();
  uint64_t last = shape.getRows() - 1;
  if (failed(checkExtent(*this, symbols, getSourceAttr(),
                         last * shape.getSourcePitch() + shape.getRowBytes())))
    return failure();
  return checkExtent(*this, symbols, getDestinationAttr(),
                     last * shape.getDestinationPitch() + shape.getRowBytes());
}

LogicalResult PrefetchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto source = resolve<OperandOp>(*this, symbols, getSourceAttr());
  if (!source || failed(checkUse(*this, symbols, getDestinationAttr(), OperandAccess::Write)) ||
      failed(checkExtent(*this, symbols, getSourceAttr(), getBytes())) ||
      failed(checkExtent(*this, symbols, getDestinationAttr(), getBytes())))
    return failure();
  auto buffer = resolve<BufferOp>(source, symbols, source.getBufferAttr());
  auto region = buffer ? resolve<RegionOp>(buffer, symbols, buffer.getRegionAttr()) : RegionOp();
  if (region && region.getKind() != RegionKind::FlashPaged)
    return emitOpError() << "reads " << getSourceAttr() << " in " << buffer.getRegionAttr()
                         << ", which is '" << stringifyRegionKind(region.getKind())
                         << "', not 'flash_paged'";
  return success(bool(region));
}

LogicalResult WaitOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(!getQueue() || checkQueue(*this, symbols, getQueueAttr()));
}

LogicalResult CacheCleanOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(checkQueue(*this, symbols, getQueueAttr()) &&
                 resolve<OperandOp>(*this, symbols, getOperandAttr()));
}

LogicalResult CacheInvalidateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(checkQueue(*this, symbols, getQueueAttr()) &&
                 resolve<OperandOp>(*this, symbols, getOperandAttr()));
}

LogicalResult LoopOp::verify() {
  if (bool(getTimes()) == bool(getTimesParam()))
    return emitOpError() << "needs either 'times' or 'times_param'";
  if (getTimes() && *getTimes() == 0)
    return emitOpError() << "runs no time";
  unsigned depth = 1;
  for (auto outer = (*this)->getParentOfType<LoopOp>(); outer;
       outer = outer->getParentOfType<LoopOp>()) {
    ++depth;
    if (outer.getCounterAttr() == getCounterAttr())
      return emitOpError() << "counts in " << getCounterAttr() << ", as a loop around it does";
  }
  if (depth > maxLoopDepth)
    return emitOpError() << "is nested " << depth << " deep; the most is " << maxLoopDepth;
  return success();
}

LogicalResult LoopOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto counter = resolve<ParamOp>(*this, symbols, getCounterAttr());
  if (!counter || (getTimesParam() && !resolve<ParamOp>(*this, symbols, getTimesParamAttr())))
    return failure();
  if (counter.getKind() != ParamKind::Loop)
    return emitOpError() << "counts in " << getCounterAttr() << ", a parameter of kind '"
                         << stringifyParamKind(counter.getKind()) << "', not 'loop'";
  if (getTimes() && *getTimes() - 1 > counter.getMax())
    return emitOpError() << "runs " << *getTimes() << " times; " << getCounterAttr()
                         << " counts to " << counter.getMax();
  return success();
}

LogicalResult KvCommitOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if ((*this)->getParentOfType<LoopOp>())
    return emitOpError() << "cannot be in a loop";
  if (!resolve<StateOp>(*this, symbols, getStateAttr()))
    return failure();
  auto entry = cast<EntryOp>((*this)->getParentOp());
  if (!llvm::is_contained(entry.getStates(), Attribute(getStateAttr())))
    return emitOpError() << "commits " << getStateAttr()
                         << ", which is not among the entry's states";
  return success();
}

LogicalResult GatherOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (failed(checkUse(*this, symbols, getTableAttr(), OperandAccess::Read)) ||
      failed(checkUse(*this, symbols, getIdsAttr(), OperandAccess::Read)) ||
      failed(checkUse(*this, symbols, getDestinationAttr(), OperandAccess::Write)))
    return failure();
  auto ids = resolve<OperandOp>(*this, symbols, getIdsAttr());
  if (getRowBytes() == 0 || getBound() == 0 || ids.getExtent() % 4 != 0 ||
      ids.getExtent() / 4 > UINT32_MAX)
    return emitOpError() << "needs rows, a bound and int32 ids";
  if (failed(checkExtent(*this, symbols, getTableAttr(), getRowBytes() * getBound())))
    return failure();
  return checkExtent(*this, symbols, getDestinationAttr(), getRowBytes() * (ids.getExtent() / 4));
}

LogicalResult HostCallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (getArgs().size() > maxArgs)
    return emitOpError() << "has " << getArgs().size() << " operands; the most is " << maxArgs;
  return resolveAll<OperandOp>(*this, symbols, getArgs());
}

} // namespace llmc::plan
