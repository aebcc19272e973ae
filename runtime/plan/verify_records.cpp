#include "runtime/plan/params.h"
#include "runtime/plan/verifier.h"

namespace llmc::rt {
namespace {

constexpr uint8_t maxAlignLog2 = 16;

bool aligned(uint64_t value, uint8_t log2) { return (value & ((uint64_t(1) << log2) - 1)) == 0; }

/// a + b * c where nothing of it can exceed `limit`; false where it does.
bool addProduct(uint64_t *sum, uint64_t b, uint64_t c, uint64_t limit) {
  // b and c have at most 32 bits, so their product does not wrap.
  uint64_t product = b * c;
  if (!fits(*sum, product, limit))
    return false;
  *sum += product;
  return true;
}

} // namespace

Status PlanVerifier::run() {
  using Check = Status (PlanVerifier::*)();
  const Check checks[] = {
      &PlanVerifier::checkRegions,  &PlanVerifier::checkSegments,     &PlanVerifier::checkDigests,
      &PlanVerifier::checkBuffers,  &PlanVerifier::checkExactRegions, &PlanVerifier::checkParams,
      &PlanVerifier::checkOperands, &PlanVerifier::checkKernels,      &PlanVerifier::checkQueues,
      &PlanVerifier::checkDmas,     &PlanVerifier::checkStates};
  if (plan.features() & ~knownFeatures)
    return Status(LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN, fb::plan::requiredFeatures);
  for (Check check : checks)
    if (Status status = (this->*check)(); !status.ok())
      return status;
  // Entries share out the steps among them, in order: every step is verified, and once.
  uint64_t nextStep = 0;
  for (uint32_t i = 0; i < plan.nEntries(); ++i) {
    if (plan.entry(i).firstStep() != nextStep)
      return Status(LLMC_BAD_RANGE, LLMC_AT_ENTRY, i);
    nextStep += plan.entry(i).nSteps();
    if (Status status = checkEntry(i); !status.ok())
      return status;
  }
  if (nextStep != plan.steps().size)
    return Status(LLMC_BAD_RANGE, LLMC_AT_STEP, nextStep);
  return checkRest();
}

Status PlanVerifier::checkRegions() {
  Span<const Region> regions = plan.regions();
  for (uint32_t i = 0; i < regions.size; ++i) {
    const Region &region = regions[i];
    constexpr uint8_t writes = cpuWrites | deviceWrites;
    constexpr uint8_t accesses = cpuReads | deviceReads | writes;
    if (region.size == 0 || region.kind > RegionKind::HostShared ||
        region.lifetime > Lifetime::Scratch || region.alignLog2 > maxAlignLog2 ||
        (region.access & ~(accesses | cpuCached)) || !(region.access & accesses))
      return Status(LLMC_BAD_VALUE, LLMC_AT_REGION, i);
    if (region.lifetime == Lifetime::Constant && (region.access & writes))
      return Status(LLMC_BAD_VALUE, LLMC_AT_REGION, i);
    // Flash is constant: only prefetch steps read the paged kind, and it has no address.
    bool flash = region.kind == RegionKind::FlashXip || region.kind == RegionKind::FlashPaged;
    if (flash && region.lifetime != Lifetime::Constant)
      return Status(LLMC_BAD_VALUE, LLMC_AT_REGION, i);
    if (region.size > SIZE_MAX)
      return Status(LLMC_BAD_RANGE, LLMC_AT_REGION, i);
    if (badString(region.name))
      return Status(LLMC_BAD_INDEX, LLMC_AT_REGION, i);
  }
  return {};
}

Status PlanVerifier::checkSegment(const Segment &segment, uint32_t index) {
  bool knownKind = segment.kind <= SegmentKind::Debug || segment.kind == SegmentKind::Other;
  if (!knownKind || segment.size == 0 || segment.reserved != 0 ||
      segment.alignLog2 > maxAlignLog2 ||
      (segment.chunkLog2 != 0 && (segment.chunkLog2 < 10 || segment.chunkLog2 > 30)))
    return Status(LLMC_BAD_VALUE, LLMC_AT_SEGMENT, index);
  // External, compressed and flagged segments have their place in the record, and no meaning yet.
  if (segment.flags != 0 || segment.codec != 0 || segment.key != none32)
    return Status(LLMC_UNKNOWN_FEATURE, LLMC_AT_SEGMENT, index);
  if (badString(segment.name))
    return Status(LLMC_BAD_INDEX, LLMC_AT_SEGMENT, index);
  const FileHeader &header = plan.header();
  uint64_t end = header.signatureSize ? header.signatureOffset : header.fileSize;
  if (segment.offset < header.dataOffset || !fits(segment.offset, segment.size, end))
    return Status(LLMC_BAD_RANGE, LLMC_AT_SEGMENT, index);
  if (!aligned(segment.offset, segment.alignLog2))
    return Status(LLMC_BAD_ALIGNMENT, LLMC_AT_SEGMENT, index);
  return segment.region == none16 ? Status() : checkPlacement(segment, index);
}

/// Where a segment stands in its region.
Status PlanVerifier::checkPlacement(const Segment &segment, uint32_t index) {
  if (segment.region >= plan.regions().size)
    return Status(LLMC_BAD_INDEX, LLMC_AT_SEGMENT, index);
  const Region &region = plan.regions()[segment.region];
  if (!fits(segment.regionOffset, segment.size, region.size))
    return Status(LLMC_BAD_RANGE, LLMC_AT_SEGMENT, index);
  if (!aligned(segment.regionOffset, segment.alignLog2) || segment.alignLog2 > region.alignLog2)
    return Status(LLMC_BAD_ALIGNMENT, LLMC_AT_SEGMENT, index);
  // What changes at run time can only be initialised, and reset writes it with the CPU.
  bool isInit = segment.kind == SegmentKind::StateInit;
  if (isInit != (region.lifetime == Lifetime::Session))
    return Status(LLMC_BAD_VALUE, LLMC_AT_SEGMENT, index);
  if (isInit ? !(region.access & cpuWrites) : region.lifetime != Lifetime::Constant)
    return Status(LLMC_BAD_VALUE, LLMC_AT_SEGMENT, index);
  return {};
}

Status PlanVerifier::checkSegments() {
  Span<const Segment> segments = plan.segments();
  uint64_t fileEnd = 0, regionEnd[maxRegions] = {}, pagedDelta[maxRegions] = {};
  for (uint32_t i = 0; i < segments.size; ++i) {
    const Segment &segment = segments[i];
    if (Status status = checkSegment(segment, i); !status.ok())
      return status;
    // In order of the file, and within a region in its order too: so no two can share a byte.
    if (segment.offset < fileEnd)
      return Status(LLMC_OVERLAP, LLMC_AT_SEGMENT, i);
    fileEnd = segment.offset + segment.size;
    if (segment.region == none16)
      continue;
    uint64_t &end = regionEnd[segment.region], &delta = pagedDelta[segment.region];
    if (segment.regionOffset < end)
      return Status(LLMC_OVERLAP, LLMC_AT_SEGMENT, i);
    // A paged region is one range of the file, so that its offsets are file offsets less a
    // constant.
    if (plan.regions()[segment.region].kind == RegionKind::FlashPaged) {
      if (end == 0)
        delta = segment.offset - segment.regionOffset;
      if (segment.offset < segment.regionOffset || segment.offset - segment.regionOffset != delta)
        return Status(LLMC_BAD_RANGE, LLMC_AT_SEGMENT, i);
    }
    end = segment.regionOffset + segment.size;
  }
  return {};
}

Status PlanVerifier::checkDigests() {
  uint16_t digests = plan.digestSegment();
  Span<const Segment> segments = plan.segments();
  if (digests != none16) {
    if (digests >= segments.size || segments[digests].kind != SegmentKind::Digests)
      return Status(LLMC_BAD_INDEX, LLMC_AT_PLAN, fb::plan::digestSegment);
    if (!plan.digestRoot())
      return Status(LLMC_MISSING, LLMC_AT_PLAN, fb::plan::digestRoot);
    if (segments[digests].size % 32)
      return Status(LLMC_BAD_VALUE, LLMC_AT_SEGMENT, digests);
  }
  for (uint32_t i = 0; i < segments.size; ++i) {
    const Segment &segment = segments[i];
    if (segment.digest == none32)
      continue;
    if (digests == none16 || i == digests)
      return Status(LLMC_BAD_INDEX, LLMC_AT_SEGMENT, i);
    uint64_t chunks = segment.chunkLog2 ? ((segment.size - 1) >> segment.chunkLog2) + 1 : 1;
    if (!fits(segment.digest, chunks, segments[digests].size / 32))
      return Status(LLMC_BAD_INDEX, LLMC_AT_SEGMENT, i);
  }
  return {};
}

Status PlanVerifier::checkBuffers() {
  Span<const Buffer> buffers = plan.buffers();
  for (uint32_t i = 0; i < buffers.size; ++i) {
    const Buffer &buffer = buffers[i];
    bool hasSegment = buffer.segment != none16;
    if (buffer.region >= plan.regions().size || badString(buffer.name) ||
        (hasSegment && buffer.segment >= plan.segments().size))
      return Status(LLMC_BAD_INDEX, LLMC_AT_BUFFER, i);
    const Region &region = plan.regions()[buffer.region];
    if (buffer.size == 0)
      return Status(LLMC_BAD_VALUE, LLMC_AT_BUFFER, i);
    if (!fits(buffer.offset, buffer.size, region.size))
      return Status(LLMC_BAD_RANGE, LLMC_AT_BUFFER, i);
    // Nothing else could ever fill it.
    if (region.lifetime == Lifetime::Constant && !hasSegment)
      return Status(LLMC_MISSING, LLMC_AT_BUFFER, i);
    if (!hasSegment)
      continue;
    const Segment &segment = plan.segments()[buffer.segment];
    if (segment.region != buffer.region || buffer.offset < segment.regionOffset ||
        !fits(buffer.offset - segment.regionOffset, buffer.size, segment.size))
      return Status(LLMC_BAD_RANGE, LLMC_AT_BUFFER, i);
  }
  return {};
}

/// A region ends where its last buffer or segment ends: the bytes stated are the bytes used.
Status PlanVerifier::checkExactRegions() {
  uint64_t end[maxRegions] = {};
  for (const Buffer &buffer : plan.buffers())
    if (buffer.offset + buffer.size > end[buffer.region])
      end[buffer.region] = buffer.offset + buffer.size;
  for (const Segment &segment : plan.segments())
    if (segment.region != none16 && segment.regionOffset + segment.size > end[segment.region])
      end[segment.region] = segment.regionOffset + segment.size;
  for (uint32_t i = 0; i < plan.regions().size; ++i)
    if (plan.regions()[i].size != end[i])
      return Status(LLMC_BAD_RANGE, LLMC_AT_REGION, i);
  return {};
}

namespace {

/// What a parameter may refer to, by its kind.
Code checkParam(const Param &param, uint32_t index) {
  if (param.kind > ParamKind::Min || param.reserved != 0)
    return LLMC_BAD_VALUE;
  ParamKind fixed[] = {ParamKind::Input, ParamKind::Input, ParamKind::KvLen};
  if (index < 3 ? param.kind != fixed[index] : param.kind == ParamKind::KvLen)
    return LLMC_BAD_VALUE;
  if (!isDerived(param)) {
    if (param.a != none8 || param.b != none8)
      return LLMC_BAD_INDEX;
    bool hasDefault = param.kind == ParamKind::Input && index >= 3;
    return param.imm > (hasDefault ? param.max : 0) ? LLMC_BAD_VALUE : LLMC_OK;
  }
  // Only earlier parameters: one pass computes them all.
  if (param.a >= index || (param.b != none8 && param.b >= index))
    return LLMC_BAD_INDEX;
  if (param.b != none8 && !takesSecond(param.kind))
    return LLMC_BAD_VALUE;
  bool divides = param.kind == ParamKind::Mod || param.kind == ParamKind::CeilDiv;
  bool shifts = param.kind == ParamKind::Shl || param.kind == ParamKind::Shr;
  if ((divides && param.imm == 0) || (shifts && param.imm > 31))
    return LLMC_BAD_VALUE;
  return LLMC_OK;
}

} // namespace

Status PlanVerifier::checkParams() {
  Span<const Param> params = plan.params();
  if (params.size < 3)
    return Status(LLMC_MISSING, LLMC_AT_PARAM, params.size);
  uint32_t bounds[maxParams];
  for (uint32_t i = 0; i < params.size; ++i) {
    const Param &param = params[i];
    if (Code code = checkParam(param, i); code != LLMC_OK)
      return Status(code, LLMC_AT_PARAM, i);
    bounds[i] = param.max;
    if (!isDerived(param))
      continue;
    usedFeatures |= featureDerivedParams;
    if (derivedBound(param, bounds) > param.max)
      return Status(LLMC_BAD_RANGE, LLMC_AT_PARAM, i);
  }
  return {};
}

Status PlanVerifier::checkOperands() {
  Span<const Operand> operands = plan.operands();
  for (uint32_t i = 0; i < operands.size; ++i) {
    const Operand &operand = operands[i];
    if (operand.buffer >= plan.buffers().size)
      return Status(LLMC_BAD_INDEX, LLMC_AT_OPERAND, i);
    const Buffer &buffer = plan.buffers()[operand.buffer];
    if (operand.region != buffer.region)
      return Status(LLMC_BAD_INDEX, LLMC_AT_OPERAND, i);
    bool isStatic = true;
    for (unsigned k = 0; k < 3; ++k) {
      if (operand.param[k] == none8 ? operand.stride[k] != 0
                                    : operand.param[k] >= plan.params().size)
        return Status(LLMC_BAD_INDEX, LLMC_AT_OPERAND, i);
      // The first unused one ends the list.
      if (operand.param[k] != none8 && k > 0 && operand.param[k - 1] == none8)
        return Status(LLMC_BAD_VALUE, LLMC_AT_OPERAND, i);
      isStatic &= operand.param[k] == none8;
    }
    if (operand.access == 0 || (operand.access & ~(LLMC_READ | LLMC_WRITE)) ||
        operand.flags != (isStatic ? operandStatic : 0) || operand.reserved != 0 ||
        operand.extent == 0)
      return Status(LLMC_BAD_VALUE, LLMC_AT_OPERAND, i);
    if (operand.offset < buffer.offset ||
        !fits(operand.offset - buffer.offset, operand.extent, buffer.size))
      return Status(LLMC_BAD_RANGE, LLMC_AT_OPERAND, i);
  }
  return {};
}

Status PlanVerifier::checkKernels() {
  Span<const Kernel> kernels = plan.kernels();
  for (uint32_t i = 0; i < kernels.size; ++i) {
    const Kernel &kernel = kernels[i];
    if (kernel.segment >= plan.segments().size || kernel.target >= plan.nTargets() ||
        badString(kernel.name))
      return Status(LLMC_BAD_INDEX, LLMC_AT_KERNEL, i);
    const Segment &segment = plan.segments()[kernel.segment];
    // The device gets a CPU address of the code, so it must have one.
    if (segment.kind != SegmentKind::Kernel || segment.region == none16 ||
        !(plan.regions()[segment.region].access & cpuReads) ||
        plan.regions()[segment.region].kind == RegionKind::FlashPaged)
      return Status(LLMC_BAD_VALUE, LLMC_AT_KERNEL, i);
    if (kernel.size == 0 || kernel.entry >= kernel.size ||
        !fits(kernel.offset, kernel.size, segment.size))
      return Status(LLMC_BAD_RANGE, LLMC_AT_KERNEL, i);
    if (kernel.nArgs > maxArgs || kernel.reserved != 0 ||
        kernel.abi != plan.target(kernel.target).abi)
      return Status(LLMC_BAD_VALUE, LLMC_AT_KERNEL, i);
  }
  return {};
}

Status PlanVerifier::checkQueues() {
  Span<const Queue> queues = plan.queues();
  for (uint32_t i = 0; i < queues.size; ++i)
    if (queues[i].target >= plan.nTargets())
      return Status(LLMC_BAD_INDEX, LLMC_AT_PLAN, fb::plan::queues);
  return {};
}

Status PlanVerifier::checkDmas() {
  Span<const Dma> dmas = plan.dmas();
  for (const Dma &dma : dmas) {
    bool narrow = dma.rows > 1 && (dma.srcPitch < dma.rowBytes || dma.dstPitch < dma.rowBytes);
    if (dma.rowBytes == 0 || dma.rows == 0 || narrow || dma.reserved0 || dma.reserved1)
      return Status(LLMC_BAD_VALUE, LLMC_AT_PLAN, fb::plan::dmas);
    if (dma.rowsParam != none8 && dma.rowsParam >= plan.params().size)
      return Status(LLMC_BAD_INDEX, LLMC_AT_PLAN, fb::plan::dmas);
  }
  return {};
}

Status PlanVerifier::checkStates() {
  Span<const State> states = plan.states();
  for (uint32_t i = 0; i < states.size; ++i) {
    const State &state = states[i];
    if (state.buffer >= plan.buffers().size ||
        (state.scaleState != none16 && (state.scaleState >= states.size || state.scaleState == i)))
      return Status(LLMC_BAD_INDEX, LLMC_AT_STATE, i);
    const Buffer &buffer = plan.buffers()[state.buffer];
    bool paged = state.kind == StateKind::KvPaged;
    if (state.kind > StateKind::Raw || state.role > StateRole::ValueScale ||
        state.dtype > DType::U4 || state.reserved != 0 || !state.layers || !state.heads ||
        !state.headDim || !state.maxTokens || state.window > state.maxTokens ||
        paged != (state.pageTokens != 0) ||
        plan.regions()[buffer.region].lifetime != Lifetime::Session)
      return Status(LLMC_BAD_VALUE, LLMC_AT_STATE, i);
    uint64_t row = (uint64_t(state.headDim) * bitsOf(state.dtype) + 7) / 8, end = row;
    if (row > buffer.size ||
        !addProduct(&end, state.maxTokens - 1, state.tokenStride, buffer.size) ||
        !addProduct(&end, state.heads - 1u, state.headStride, buffer.size) ||
        !addProduct(&end, state.layers - 1u, state.layerStride, buffer.size))
      return Status(LLMC_BAD_RANGE, LLMC_AT_STATE, i);
    // Position counts to the context length, and a flat cache has a row for each.
    if (state.kind == StateKind::KvFlat && state.maxTokens < plan.contextLength())
      return Status(LLMC_BAD_RANGE, LLMC_AT_STATE, i);
  }
  return {};
}

/// What is left once the entries have said what they use.
Status PlanVerifier::checkRest() {
  if (usedFeatures & ~plan.features())
    return Status(LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN, fb::plan::requiredFeatures);
  uint16_t debug = plan.debugSegment();
  if (debug != none16 &&
      (debug >= plan.segments().size || plan.segments()[debug].kind != SegmentKind::Debug))
    return Status(LLMC_BAD_INDEX, LLMC_AT_PLAN, fb::plan::debugSegment);
  fb::Table tokenizer = plan.tokenizer();
  uint16_t segment =
      tokenizer ? tokenizer.scalar<uint16_t>(fb::tokenizer::segment, none16) : none16;
  if (tokenizer &&
      (segment >= plan.segments().size || plan.segments()[segment].kind != SegmentKind::Tokenizer))
    return Status(LLMC_BAD_INDEX, LLMC_AT_TOKENIZER);
  return {};
}

} // namespace llmc::rt
