#include "runtime/plan/params.h"

#include "runtime/base/small.h"
#include "runtime/plan/verifier.h"

namespace llmc::rt {
LLMC_SMALL_BEGIN

namespace {

bool aligned(size_t value, uint8_t log2) {
  return (uint32_t(value) & ((1u << log2) - 1)) == 0; // at most maxAlignLog2
}

/// [offset, offset + size) lies in [begin, begin + room).
[[gnu::noinline]] bool inside(size_t offset, size_t size, size_t begin, size_t room) {
  return offset >= begin && size <= room && offset - begin <= room - size;
}

} // namespace

Code PlanVerifier::fail(Code code, Where place, uint32_t index) {
  where = place;
  detail = index;
  return code;
}

Status PlanVerifier::run() {
  Code code = checkAll();
  return code == LLMC_OK ? Status() : Status(code, where, detail);
}

Code PlanVerifier::checkAll() {
  if (plan.features() & ~knownFeatures)
    return fail(LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN, fb::plan::requiredFeatures);
  if (count(fb::plan::params) < 3)
    return fail(LLMC_MISSING, LLMC_AT_PARAM, count(fb::plan::params));
  Code code = checkDigestSegment();
  if (code == LLMC_OK)
    code = checkRecords();
  // Entries share out the steps among them, in order: every step is verified, and once.
  lastStep = none32;
  for (uint32_t i = 0; code == LLMC_OK && i < plan.nEntries(); ++i)
    code = checkEntry(i);
  if (code != LLMC_OK)
    return code;
  if (lastStep + 1 != plan.steps().size)
    return fail(LLMC_BAD_RANGE, LLMC_AT_STEP, lastStep + 1);
  return checkRest();
}

Code PlanVerifier::checkRecord(unsigned vector, const uint8_t *record, uint32_t at) {
  const void *data = record;
  switch (vector) {
  case fb::plan::regions:
    return check(*static_cast<const Region *>(data));
  case fb::plan::segments:
    return check(*static_cast<const Segment *>(data), at);
  case fb::plan::buffers:
    return check(*static_cast<const Buffer *>(data));
  case fb::plan::operands:
    return check(*static_cast<const Operand *>(data));
  case fb::plan::params:
    return check(*static_cast<const Param *>(data), at);
  case fb::plan::kernels:
    return check(*static_cast<const Kernel *>(data));
  case fb::plan::dmas:
    return check(*static_cast<const Dma *>(data));
  case fb::plan::states:
    return check(*static_cast<const State *>(data), at);
  default: // queues: their rule says it all
    return LLMC_OK;
  }
}

const Region &PlanVerifier::regionOf(uint16_t buffer) const {
  return plan.regions()[plan.buffers()[buffer].region];
}

Code PlanVerifier::check(const Region &region) const {
  bool isConstant = region.lifetime == Lifetime::Constant; // as all flash is
  if ((isConstant && (region.access & (cpuWrites | deviceWrites))) ||
      (!isConstant && region.kind <= RegionKind::FlashPaged) || !(region.access & anyAccess))
    return LLMC_BAD_VALUE;
  return size_t(region.size) > maxRegionBytes ? LLMC_BAD_RANGE : LLMC_OK;
}

bool PlanVerifier::isSegment(uint16_t at, SegmentKind kind) const {
  return at < count(fb::plan::segments) && plan.segments()[at].kind == kind;
}

Code PlanVerifier::checkDigestSegment() {
  uint16_t digests = plan.digestSegment();
  if (digests == none16)
    return LLMC_OK;
  if (!isSegment(digests, SegmentKind::Digests))
    return fail(LLMC_BAD_INDEX, LLMC_AT_PLAN, fb::plan::digestSegment);
  if (!plan.digestRoot())
    return fail(LLMC_MISSING, LLMC_AT_PLAN, fb::plan::digestRoot);
  // So that a record has an index of 32 bits.
  uint64_t size = plan.segments()[digests].size;
  if (size % 32 || size >> 37)
    return fail(LLMC_BAD_VALUE, LLMC_AT_SEGMENT, digests);
  return LLMC_OK;
}

Code PlanVerifier::check(const Segment &segment, uint32_t at) {
  bool knownKind = segment.kind <= SegmentKind::Debug || segment.kind == SegmentKind::Other;
  uint32_t chunkLog2 = segment.chunkLog2;
  if (!knownKind || (chunkLog2 != 0 && (chunkLog2 < 10 || chunkLog2 > 30)))
    return LLMC_BAD_VALUE;
  const FileHeader &header = plan.fileHeader;
  size_t dataOffset = size_t(header.dataOffset);
  size_t end = size_t(header.signatureSize ? header.signatureOffset : header.fileSize);
  size_t offset = size_t(segment.offset), size = size_t(segment.size);
  if (!inside(offset, size, dataOffset, end - dataOffset))
    return LLMC_BAD_RANGE;
  if (!aligned(offset, segment.alignLog2))
    return LLMC_BAD_ALIGNMENT;
  // In order of the file, and within a region in its order too: so no two can share a byte.
  if (offset < fileEnd)
    return LLMC_OVERLAP;
  fileEnd = offset + size;
  if (segment.digest != none32) {
    uint16_t digests = plan.digestSegment();
    if (digests == none16 || at == digests)
      return LLMC_BAD_INDEX;
    uint32_t records = uint32_t(plan.segments()[digests].size / 32);
    // A chunk has at most 2^30 bytes and a record of its own.
    if (segment.digest >= records ||
        (chunkLog2 != 0 && size > uint64_t(records - segment.digest) * (1u << chunkLog2)))
      return LLMC_BAD_INDEX;
  }
  return segment.region == none16 ? LLMC_OK : checkPlacement(segment);
}

/// Where a segment stands in its region.
Code PlanVerifier::checkPlacement(const Segment &segment) {
  const Region &region = plan.regions()[segment.region];
  if (!inside(size_t(segment.regionOffset), size_t(segment.size), 0, size_t(region.size)))
    return LLMC_BAD_RANGE;
  if (!aligned(size_t(segment.regionOffset), segment.alignLog2) ||
      segment.alignLog2 > region.alignLog2)
    return LLMC_BAD_ALIGNMENT;
  // What changes at run time can only be initialised, and reset writes it with the CPU.
  bool isInit = segment.kind == SegmentKind::StateInit;
  Lifetime lifetime = isInit ? Lifetime::Session : Lifetime::Constant;
  if (region.lifetime != lifetime || (isInit && !(region.access & cpuWrites)))
    return LLMC_BAD_VALUE;
  size_t &end = regionEnd[segment.region];
  size_t offset = size_t(segment.regionOffset);
  if (offset < end)
    return LLMC_OVERLAP;
  // A paged region is one range of the file, so that its offsets are file offsets less a constant.
  if (region.kind == RegionKind::FlashPaged) {
    size_t delta = size_t(segment.offset) - offset;
    if (end == 0)
      pagedDelta[segment.region] = delta;
    if (size_t(segment.offset) < offset || delta != pagedDelta[segment.region])
      return LLMC_BAD_RANGE;
  }
  end = offset + size_t(segment.size);
  return LLMC_OK;
}

Code PlanVerifier::check(const Buffer &buffer) {
  const Region &region = plan.regions()[buffer.region];
  if (!inside(size_t(buffer.offset), size_t(buffer.size), 0, size_t(region.size)))
    return LLMC_BAD_RANGE;
  size_t end = size_t(buffer.offset) + size_t(buffer.size);
  if (end > regionEnd[buffer.region])
    regionEnd[buffer.region] = end;
  // Nothing else could ever fill a constant one.
  if (buffer.segment == none16)
    return region.lifetime == Lifetime::Constant ? LLMC_MISSING : LLMC_OK;
  const Segment &segment = plan.segments()[buffer.segment];
  bool within =
      segment.region == buffer.region && inside(size_t(buffer.offset), size_t(buffer.size),
                                                size_t(segment.regionOffset), size_t(segment.size));
  return within ? LLMC_OK : LLMC_BAD_RANGE;
}

/// A region ends where its last buffer or segment ends: the bytes stated are the bytes used.
Code PlanVerifier::checkExactRegions() {
  for (uint32_t i = 0; i < plan.regions().size; ++i)
    if (size_t(plan.regions()[i].size) != regionEnd[i])
      return fail(LLMC_BAD_RANGE, LLMC_AT_REGION, i);
  return LLMC_OK;
}

/// Without rules, which take three times as long: of operands there are many.
Code PlanVerifier::check(const Operand &operand) const {
  if (operand.buffer >= count(fb::plan::buffers))
    return LLMC_BAD_INDEX;
  const Buffer &buffer = plan.buffers()[operand.buffer];
  if (operand.region != buffer.region)
    return LLMC_BAD_VALUE;
  unsigned used = 0; // parameters; the first unused one ends the list
  for (unsigned k = 0; k < 3; ++k) {
    if (operand.param[k] == none8 ? operand.stride[k] != 0
                                  : operand.param[k] >= count(fb::plan::params))
      return LLMC_BAD_INDEX;
    if (operand.param[k] != none8 && k != used++)
      return LLMC_BAD_VALUE;
  }
  if (operand.flags != (used ? 0 : operandStatic) || operand.extent == 0 ||
      operand.access - 1u >= (LLMC_READ | LLMC_WRITE) ||
      (operand.reserved[0] | operand.reserved[1] | operand.reserved[2]))
    return LLMC_BAD_VALUE;
  if (operand.offset > SIZE_MAX || operand.extent > SIZE_MAX)
    return LLMC_BAD_RANGE;
  bool within = inside(size_t(operand.offset), size_t(operand.extent), size_t(buffer.offset),
                       size_t(buffer.size));
  return within ? LLMC_OK : LLMC_BAD_RANGE;
}

/// What a parameter may refer to, by its kind.
Code PlanVerifier::check(const Param &param, uint32_t at) {
  bounds[at] = param.max;
  bool isLength = param.kind == ParamKind::KvLen;
  if (isLength != (at == LLMC_P_KV_LEN) || (at < LLMC_P_KV_LEN && param.kind != ParamKind::Input))
    return LLMC_BAD_VALUE;
  if (!isDerived(param)) {
    if (param.a != none8 || param.b != none8)
      return LLMC_BAD_INDEX;
    bool hasDefault = param.kind == ParamKind::Input && at >= 3;
    return param.imm > (hasDefault ? param.max : 0) ? LLMC_BAD_VALUE : LLMC_OK;
  }
  usedFeatures |= featureDerivedParams;
  // Only earlier parameters: one pass computes them all.
  if (param.a >= at || (param.b != none8 && param.b >= at))
    return LLMC_BAD_INDEX;
  bool divides = param.kind == ParamKind::Mod || param.kind == ParamKind::CeilDiv;
  bool shifts = param.kind == ParamKind::Shl || param.kind == ParamKind::Shr;
  if ((param.b != none8 && !takesSecond(param.kind)) || (divides && param.imm == 0) ||
      (shifts && param.imm > 31))
    return LLMC_BAD_VALUE;
  return derive(param, bounds, true) > param.max ? LLMC_BAD_RANGE : LLMC_OK;
}

Code PlanVerifier::check(const Kernel &kernel) const {
  const Segment &segment = plan.segments()[kernel.segment];
  // The device gets a CPU address of the code, so it must have one.
  if (segment.kind != SegmentKind::Kernel || segment.region == none16 ||
      !hasAddress(plan.regions()[segment.region], cpuReads) ||
      kernel.abi != plan.targetAbi(kernel.target))
    return LLMC_BAD_VALUE;
  bool within = kernel.entry < kernel.size &&
                inside(size_t(kernel.offset), kernel.size, 0, size_t(segment.size));
  return within ? LLMC_OK : LLMC_BAD_RANGE;
}

Code PlanVerifier::check(const Dma &dma) const {
  bool narrow = dma.srcPitch < dma.rowBytes || dma.dstPitch < dma.rowBytes;
  return dma.rows > 1 && narrow ? LLMC_BAD_VALUE : LLMC_OK;
}

Code PlanVerifier::check(const State &state, uint32_t at) const {
  if (state.scaleState == at)
    return LLMC_BAD_INDEX;
  bool isPaged = state.kind == StateKind::KvPaged;
  if (state.window > state.maxTokens || isPaged != (state.pageTokens != 0) ||
      regionOf(state.buffer).lifetime != Lifetime::Session)
    return LLMC_BAD_VALUE;
  // The largest product alone may exceed the buffer; without it, nothing of the sum can wrap.
  size_t size = size_t(plan.buffers()[state.buffer].size);
  uint64_t end = uint64_t(state.maxTokens - 1) * state.tokenStride;
  if (end > size)
    return LLMC_BAD_RANGE;
  end += uint64_t(state.heads - 1u) * state.headStride;
  end += uint64_t(state.layers - 1u) * state.layerStride;
  end += (uint32_t(state.headDim) * bitsOf(state.dtype) + 7) / 8;
  // Position counts to the context length, and a flat cache has a row for each.
  bool isShort = state.kind == StateKind::KvFlat && state.maxTokens < plan.contextLength();
  return end > size || isShort ? LLMC_BAD_RANGE : LLMC_OK;
}

/// What is left once the entries have said what they use.
Code PlanVerifier::checkRest() {
  if (usedFeatures & ~plan.features())
    return fail(LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN, fb::plan::requiredFeatures);
  uint16_t debug = plan.debugSegment();
  if (debug != none16 && !isSegment(debug, SegmentKind::Debug))
    return fail(LLMC_BAD_INDEX, LLMC_AT_PLAN, fb::plan::debugSegment);
  const fb::Field &tokenizer = plan.fields[fb::plan::tokenizer];
  if (tokenizer.data &&
      !isSegment(TokenizerView(tokenizer.table()).segment(), SegmentKind::Tokenizer))
    return fail(LLMC_BAD_INDEX, LLMC_AT_TOKENIZER, 0);
  return LLMC_OK;
}

LLMC_SMALL_END
} // namespace llmc::rt
