// Verifiers of the file and its records.
#include "dialects/Plan/PlanReferences.h"

#include "llvm/ADT/StringExtras.h"

#define GET_OP_CLASSES
#include "dialects/Plan/PlanOps.cpp.inc"

using namespace mlir;

namespace llmc::plan {

namespace {

LogicalResult checkDigest(Operation *op, std::optional<StringRef> digest, const char *what) {
  if (!digest || (digest->size() == 64 && llvm::all_of(*digest, llvm::isHexDigit)))
    return success();
  return op->emitOpError() << what << " must be a SHA-256 in 64 hexadecimal digits, has "
                           << digest->size() << " characters";
}

template <class Record> LogicalResult checkCount(FileOp file, unsigned limit, const char *fewer) {
  auto records = file.records<Record>();
  auto count = std::distance(records.begin(), records.end());
  if (count <= limit)
    return success();
  return file.emitOpError() << "has " << count << " operations " << Record::getOperationName()
                            << ", a runtime holds " << limit << "; " << fewer;
}

/// Position, tokens and KV length come first: the runtime knows them by number.
LogicalResult checkFirstParams(FileOp file) {
  constexpr ParamKind wanted[] = {ParamKind::Input, ParamKind::Input, ParamKind::KvLen};
  unsigned index = 0;
  for (ParamOp param : file.records<ParamOp>()) {
    if (index < 3 && param.getKind() != wanted[index])
      return param.emitOpError() << "number " << index << " must be '"
                                 << stringifyParamKind(wanted[index])
                                 << "': position, tokens and KV length come first";
    if (index >= 3 && param.getKind() == ParamKind::KvLen)
      return param.emitOpError() << "'kv_len' is number 2 and no other";
    ++index;
  }
  auto entries = file.records<EntryOp>();
  if (index < 3 && !entries.empty())
    return file.emitOpError()
           << "has entries and needs plan.param for position, tokens and KV length; it has "
           << index;
  return success();
}

/// Planned equals used: a region ends where its last buffer or segment ends.
LogicalResult checkExactSizes(FileOp file) {
  for (RegionOp region : file.records<RegionOp>()) {
    uint64_t end = 0;
    bool known = bool(region.getSize());
    auto extend = [&](FlatSymbolRefAttr in, uint64_t offset, std::optional<uint64_t> size) {
      if (!in || in.getAttr() != region.getSymNameAttr())
        return;
      known &= size.has_value();
      end = std::max(end, offset + size.value_or(0));
    };
    for (BufferOp buffer : file.records<BufferOp>())
      extend(buffer.getRegionAttr(), buffer.getOffset(), buffer.getSize());
    for (SegmentOp segment : file.records<SegmentOp>())
      extend(segment.getRegionAttr(), segment.getOffset().value_or(0), segment.getSize());
    if (known && *region.getSize() != end)
      return region.emitOpError() << "has size " << *region.getSize()
                                  << ", but its last buffer or segment ends at " << end
                                  << "; both must be equal";
  }
  return success();
}

} // namespace

LogicalResult FileOp::verifyRegions() {
  for (Operation &op : getBody().front())
    if (!isa<PlanDialect>(op.getDialect()))
      return op.emitError() << "a plan.file holds plan operations only";
  if (auto debug = getDebugAttr()) {
    auto segment =
        dyn_cast_or_null<SegmentOp>(mlir::SymbolTable::lookupSymbolIn(*this, debug.getAttr()));
    if (!segment || segment.getKind() != SegmentKind::Debug)
      return emitOpError() << "needs a plan.segment of kind 'debug' as " << debug;
  }
  if (failed(checkCount<ModelOp>(*this, 1, "one file has one model")) ||
      failed(checkCount<TokenizerOp>(*this, 1, "one file has one tokenizer")) ||
      failed(checkCount<TargetOp>(*this, maxTargets, "use fewer targets")) ||
      failed(checkCount<RegionOp>(*this, maxRegions, "join regions of one memory")) ||
      failed(checkCount<QueueOp>(*this, maxQueues, "share queues")) ||
      failed(checkCount<ParamOp>(*this, maxParams, "use fewer parameters")) ||
      failed(checkCount<EntryOp>(*this, maxEntries, "use fewer chunks")))
    return failure();
  return failed(checkFirstParams(*this)) ? failure() : checkExactSizes(*this);
}

LogicalResult TargetOp::verify() { return checkDigest(*this, getConfig(), "config"); }

LogicalResult ModelOp::verify() { return checkDigest(*this, getDigest(), "digest"); }

LogicalResult TokenizerOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!getSegment())
    return success();
  auto segment = resolve<SegmentOp>(*this, symbols, getSegmentAttr());
  if (segment && segment.getKind() != SegmentKind::Tokenizer)
    return emitOpError() << "lies in " << getSegmentAttr() << ", a segment of kind '"
                         << stringifySegmentKind(segment.getKind()) << "', not 'tokenizer'";
  return success(bool(segment));
}

LogicalResult RegionOp::verify() {
  RegionAccess access = getAccess();
  constexpr RegionAccess writes = RegionAccess::CpuWrites | RegionAccess::DeviceWrites;
  bool isConstant = getLifetime() == Lifetime::Constant;
  if (isConstant && (access & writes) != RegionAccess())
    return emitOpError() << "is constant and cannot be written; its access is <"
                         << stringifyRegionAccess(access) << ">";
  if ((access & ~RegionAccess::CpuCached) == RegionAccess())
    return emitOpError() << "is accessed by nobody";
  bool isFlash = getKind() == RegionKind::FlashXip || getKind() == RegionKind::FlashPaged;
  if (isFlash && !isConstant)
    return emitOpError() << "is flash, which is constant, but has lifetime '"
                         << stringifyLifetime(getLifetime()) << "'";
  return success();
}

LogicalResult SegmentOp::verify() {
  if (getOffset() && !getRegion())
    return emitOpError() << "has an offset but no region";
  if (getOffset().value_or(0) % getAlign() != 0)
    return emitOpError() << "stands at " << *getOffset() << ", which is not a multiple of its "
                         << getAlign() << " byte alignment";
  return success();
}

LogicalResult SegmentOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!getRegion())
    return success();
  auto region = resolve<RegionOp>(*this, symbols, getRegionAttr());
  if (!region)
    return failure();
  if (getAlign() > region.getAlign())
    return emitOpError() << "is aligned to " << getAlign() << " bytes, its region "
                         << getRegionAttr() << " only to " << region.getAlign();
  if (getSize() && region.getSize() &&
      !fits(getOffset().value_or(0), *getSize(), *region.getSize()))
    return emitOpError() << "takes bytes " << getOffset().value_or(0) << " to "
                         << getOffset().value_or(0) + *getSize() << " of region " << getRegionAttr()
                         << ", which has " << *region.getSize();
  if (region.getLifetime() != Lifetime::Constant)
    return emitOpError() << "needs a constant region, " << getRegionAttr() << " is "
                         << stringifyLifetime(region.getLifetime());
  return success();
}

LogicalResult BufferOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto region = resolve<RegionOp>(*this, symbols, getRegionAttr());
  if (!region)
    return failure();
  if (getSize() && region.getSize() && !fits(getOffset(), *getSize(), *region.getSize()))
    return emitOpError() << "takes bytes " << getOffset() << " to " << getOffset() + *getSize()
                         << " of region " << getRegionAttr() << ", which has " << *region.getSize();
  if (!getSegment())
    return region.getLifetime() == Lifetime::Constant
               ? emitOpError() << "lies in the constant region " << getRegionAttr()
                               << " and must say which segment fills it"
               : LogicalResult(success());
  auto segment = resolve<SegmentOp>(*this, symbols, getSegmentAttr());
  if (!segment)
    return failure();
  uint64_t first = segment.getOffset().value_or(0);
  if (segment.getRegionAttr() != getRegionAttr() || getOffset() < first ||
      (getSize() && segment.getSize() &&
       !fits(getOffset() - first, *getSize(), *segment.getSize())))
    return emitOpError() << "does not lie in the bytes of its segment " << getSegmentAttr();
  return success();
}

LogicalResult ParamOp::verify() {
  ParamKind kind = getKind();
  if (isDerived() != bool(getOf()))
    return emitOpError() << "'" << stringifyParamKind(kind) << "' "
                         << (isDerived() ? "needs" : "does not take") << " a parameter as 'of'";
  bool takesSecond = kind == ParamKind::Add || kind == ParamKind::Sub || kind == ParamKind::Min;
  if (getPlus() && !takesSecond)
    return emitOpError() << "'" << stringifyParamKind(kind) << "' does not take a second parameter";
  bool divides = kind == ParamKind::Mod || kind == ParamKind::CeilDiv;
  if (divides && getImm() == 0)
    return emitOpError() << "divides by 'imm', which is 0";
  bool shifts = kind == ParamKind::Shl || kind == ParamKind::Shr;
  if (shifts && getImm() > 31)
    return emitOpError() << "shifts by " << getImm() << " bits; the most is 31";
  if (!isDerived() && getImm() > getMax())
    return emitOpError() << "has default " << getImm() << " above its maximum " << getMax();
  return success();
}

LogicalResult ParamOp::verifySymbolUses(SymbolTableCollection &symbols) {
  for (FlatSymbolRefAttr reference : {getOfAttr(), getPlusAttr()}) {
    if (!reference)
      continue;
    auto param = resolve<ParamOp>(*this, symbols, reference);
    if (!param)
      return failure();
    if (!param->isBeforeInBlock(*this))
      return emitOpError() << "is derived from " << reference
                           << ", which must stand before it: one pass computes them all";
  }
  return success();
}

LogicalResult OperandOp::verify() {
  if (getExtent() == 0)
    return emitOpError() << "touches nothing";
  if (getAccess() == OperandAccess())
    return emitOpError() << "is neither read nor written";
  if (getStrides() && getStrides()->size() > 3)
    return emitOpError() << "is moved by " << getStrides()->size() << " parameters; the most is 3";
  return success();
}

LogicalResult OperandOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto buffer = resolve<BufferOp>(*this, symbols, getBufferAttr());
  if (!buffer)
    return failure();
  if (buffer.getSize() && !fits(getOffset(), getExtent(), *buffer.getSize()))
    return emitOpError() << "takes bytes " << getOffset() << " to " << getOffset() + getExtent()
                         << " of buffer " << getBufferAttr() << ", which has " << *buffer.getSize();
  if (getStrides())
    for (auto stride : getStrides()->getAsRange<StrideAttr>()) {
      if (!resolve<ParamOp>(*this, symbols, stride.getParam()))
        return failure();
      if (!llvm::isUInt<32>(stride.getBytes()))
        return emitOpError() << "stride " << stride.getBytes() << " does not fit 32 bits";
    }
  return success();
}

/// A device is given the CPU's address of its code.
static LogicalResult checkCode(KernelOp kernel, SymbolTableCollection &symbols, SegmentOp segment) {
  if (!segment.getRegion())
    return kernel.emitOpError() << "lies in " << kernel.getSegmentAttr()
                                << ", which is in no region: it would never be loaded";
  auto region = resolve<RegionOp>(segment, symbols, segment.getRegionAttr());
  if (!region)
    return failure();
  bool isReadable = (region.getAccess() & RegionAccess::CpuReads) == RegionAccess::CpuReads;
  if (region.getKind() == RegionKind::FlashPaged || !isReadable)
    return kernel.emitOpError() << "lies in region " << segment.getRegionAttr()
                                << ", which must have an address that the CPU reads";
  return success();
}

LogicalResult KernelOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!programOf(*this))
    return emitOpError() << "encodes " << getProgramAttr()
                         << ", which the module around the file does not have";
  auto segment = resolve<SegmentOp>(*this, symbols, getSegmentAttr());
  if (!segment || !resolve<TargetOp>(*this, symbols, getTargetAttr()))
    return failure();
  if (segment.getKind() != SegmentKind::Kernel)
    return emitOpError() << "lies in " << getSegmentAttr() << ", a segment of kind '"
                         << stringifySegmentKind(segment.getKind()) << "', not 'kernel'";
  for (auto parameter : getParameters().getAsRange<FlatSymbolRefAttr>())
    if (!resolve<ParamOp>(*this, symbols, parameter))
      return failure();
  auto params = llvm::to_vector(cast<FileOp>((*this)->getParentOp()).records<ParamOp>());
  if (params.size() != getBounds().size())
    return emitOpError() << "has " << getBounds().size() << " bounds for the " << params.size()
                         << " parameters of the file";
  for (auto [param, bound] : llvm::zip(params, getBounds()))
    if (bound < 0 || uint64_t(bound) > param.getMax())
      return emitOpError() << "bounds @" << param.getSymName() << " by " << bound
                           << ", outside 0 to its maximum " << param.getMax();
  BlobAttr blob = getBlobAttr();
  if (blob && segment.getSize() &&
      (blob.getOffset() < 0 || blob.getSize() <= 0 ||
       !fits(blob.getOffset(), blob.getSize(), *segment.getSize())))
    return emitOpError() << "takes bytes " << blob.getOffset() << " to "
                         << blob.getOffset() + blob.getSize() << " of segment " << getSegmentAttr()
                         << ", which has " << *segment.getSize();
  if (blob && (blob.getEntry() < 0 || blob.getEntry() >= blob.getSize()))
    return emitOpError() << "starts at byte " << blob.getEntry() << " of its " << blob.getSize();
  return checkCode(*this, symbols, segment);
}

LogicalResult QueueOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(bool(resolve<TargetOp>(*this, symbols, getTargetAttr())));
}

LogicalResult DmaOp::verify() {
  if (getRows() == 0 || getRowBytes() == 0)
    return emitOpError() << "copies nothing";
  if (getRows() > 1 && std::min(getSourcePitch(), getDestinationPitch()) < getRowBytes())
    return emitOpError() << "has a pitch below its " << getRowBytes() << " bytes a row";
  return success();
}

LogicalResult DmaOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(!getRowsParam() || resolve<ParamOp>(*this, symbols, getRowsParamAttr()));
}

LogicalResult StateOp::verify() {
  if (!getTokens() || !getLayers() || !getHeads() || !getHeadDim())
    return emitOpError() << "has no rows";
  if (getWindow() > getTokens())
    return emitOpError() << "has a window of " << getWindow() << " of its " << getTokens()
                         << " tokens";
  return success();
}

LogicalResult StateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto buffer = resolve<BufferOp>(*this, symbols, getBufferAttr());
  if (!buffer || (getScales() && !resolve<StateOp>(*this, symbols, getScalesAttr())))
    return failure();
  auto region = resolve<RegionOp>(buffer, symbols, buffer.getRegionAttr());
  if (!region)
    return failure();
  if (region.getLifetime() != Lifetime::Session)
    return emitOpError() << "must lie in a session region, " << buffer.getRegionAttr() << " is "
                         << stringifyLifetime(region.getLifetime());
  // Factors of 32 and 16 bits: no term wraps, nor does their sum.
  uint64_t row = (getHeadDim() * uint64_t(bitsOf(getDtype())) + 7) / 8;
  uint64_t end = row + (getTokens() - 1) * getTokenStride() + (getHeads() - 1) * getHeadStride() +
                 (getLayers() - 1) * getLayerStride();
  if (buffer.getSize() && end > *buffer.getSize())
    return emitOpError() << "ends at byte " << end << " of buffer " << getBufferAttr()
                         << ", which has " << *buffer.getSize();
  return success();
}

} // namespace llmc::plan
