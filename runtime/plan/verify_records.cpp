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
  if (Code code = checkDigestSegment(); code != LLMC_OK)
    return code;
  if (Code code = checkRecords(); code != LLMC_OK)
    return code;
  // Entries share out the steps among them, in order: every step is verified, and once.
  if (lastStep + 1 != plan.steps().size)
    return fail(LLMC_BAD_RANGE, LLMC_AT_STEP, lastStep + 1);
  // What is left once the entries have said what they use.
  if (usedFeatures & ~plan.features())
    return fail(LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN, fb::plan::requiredFeatures);
  return LLMC_OK;
}

Code PlanVerifier::checkRecord(unsigned vector, const uint8_t *record, uint32_t at) {
  const void *data = record;
  switch (vector) {
  case fb::plan::regions:
    return check(*static_cast<const Region *>(data));
  case fb::plan::segments:
    return check(*static_cast<const Segment *>(data), at);
  case fb::plan::params:
    return check(*static_cast<const Param *>(data), at);
  case fb::plan::moves:
    return check(*static_cast<const Move *>(data));
  case fb::plan::operands:
    return check(*static_cast<const Operand *>(data));
  case fb::plan::blobs:
    return check(*static_cast<const Blob *>(data));
  case fb::plan::kernels: {
    const Kernel &kernel = *static_cast<const Kernel *>(data);
    return kernel.entry < plan.blobs()[kernel.blob].size ? LLMC_OK : LLMC_BAD_RANGE;
  }
  case fb::plan::rows:
    return check(*static_cast<const Rows *>(data));
  case fb::plan::states:
    return check(*static_cast<const State *>(data), at);
  case fb::plan::tensors:
    return check(*static_cast<const Tensor *>(data));
  case fb::plan::entries:
    return check(*static_cast<const Entry *>(data), at);
  case fb::plan::model: {
    const Model &model = *static_cast<const Model *>(data);
    uint32_t end = uint32_t(model.firstEos) + model.nEos;
    return end <= count(fb::plan::numbers) ? LLMC_OK : LLMC_BAD_INDEX;
  }
  default: // targets, queues: their rules say it all
    return LLMC_OK;
  }
}

Code PlanVerifier::check(const Region &region) const {
  bool isConstant = region.lifetime == Lifetime::Constant; // as all flash is
  if ((isConstant && (region.access & (cpuWrites | deviceWrites))) ||
      (!isConstant && region.kind <= RegionKind::FlashPaged) || !(region.access & anyAccess))
    return LLMC_BAD_VALUE;
  return size_t(region.size) > maxRegionBytes ? LLMC_BAD_RANGE : LLMC_OK;
}

Code PlanVerifier::checkDigestSegment() {
  digests = plan.digestSegment();
  if (digests == none16)
    return LLMC_OK;
  if (!plan.digestRoot())
    return fail(LLMC_MISSING, LLMC_AT_PLAN, fb::plan::digestRoot);
  // So that a record has an index of 32 bits.
  uint64_t size = plan.segments()[digests].size;
  if (size % 32 || size >> 37)
    return fail(LLMC_BAD_VALUE, LLMC_AT_SEGMENT, digests);
  return LLMC_OK;
}

Code PlanVerifier::check(const Segment &segment, uint32_t at) {
  uint32_t chunkLog2 = segment.chunkLog2;
  if (chunkLog2 != 0 && (chunkLog2 < 10 || chunkLog2 > 30))
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
  if (region.lifetime != Lifetime::Constant)
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

/// Constant memory ends where the last segment in it ends: of paged flash, all of it can be read.
Code PlanVerifier::checkConstantRegions() {
  uint32_t i = 0;
  for (const Region &region : plan.regions()) {
    if (region.lifetime == Lifetime::Constant && size_t(region.size) != regionEnd[i])
      return fail(LLMC_BAD_RANGE, LLMC_AT_REGION, i);
    ++i;
  }
  return LLMC_OK;
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

Code PlanVerifier::check(const Move &move) const {
  unsigned used = 0; // parameters; the first unused one ends the list
  for (unsigned k = 0; k < 3; ++k) {
    if (move.param[k] == none8 ? move.stride[k] != 0 : move.param[k] >= count(fb::plan::params))
      return LLMC_BAD_INDEX;
    if (move.param[k] != none8 && k != used++)
      return LLMC_BAD_VALUE;
  }
  return LLMC_OK;
}

/// Without rules, which take three times as long: of operands there are many.
Code PlanVerifier::check(const Operand &operand) const {
  if (operand.region >= count(fb::plan::regions) ||
      (operand.move != none8 && operand.move >= count(fb::plan::moves)))
    return LLMC_BAD_INDEX;
  if (operand.extent == 0 || operand.access - 1u >= (LLMC_READ | LLMC_WRITE))
    return LLMC_BAD_VALUE;
  return checkReach(operand, false);
}

size_t PlanVerifier::extentOf(const Operand &operand) const {
  size_t extent = operand.extent;
  return operand.move == none8 ? extent : extent + size_t(plan.moves()[operand.move].extent);
}

Code PlanVerifier::checkReach(const Operand &operand, bool moves) const {
  size_t left = size_t(plan.regions()[operand.region].size);
  // Of the region, after all that is subtracted from it: nothing can wrap.
  auto take = [&left](uint64_t bytes) {
    bool fits = bytes <= left;
    left -= size_t(bytes);
    return fits;
  };
  bool within = take(operand.offset) && take(operand.extent);
  if (operand.move != none8 && within) {
    const Move &move = plan.moves()[operand.move];
    within = take(move.offset) && take(move.extent);
    for (unsigned k = 0; moves && within && k < 3 && move.param[k] != none8; ++k)
      within = take(uint64_t(bounds[move.param[k]]) * move.stride[k]);
  }
  return within ? LLMC_OK : LLMC_BAD_RANGE;
}

Code PlanVerifier::check(const Blob &blob) const {
  const Segment &segment = plan.segments()[blob.segment];
  // The device gets a CPU address of the code, so it must have one.
  if (segment.kind != SegmentKind::Kernel || segment.region == none16 ||
      !hasAddress(plan.regions()[segment.region], cpuReads))
    return LLMC_BAD_VALUE;
  return inside(blob.offset, blob.size, 0, size_t(segment.size)) ? LLMC_OK : LLMC_BAD_RANGE;
}

Code PlanVerifier::check(const Rows &rows) const {
  bool narrow = rows.srcPitch < rows.bytes || rows.dstPitch < rows.bytes;
  return rows.count > 1 && narrow ? LLMC_BAD_VALUE : LLMC_OK;
}

Code PlanVerifier::check(const State &state, uint32_t at) const {
  if (state.scaleState == at)
    return LLMC_BAD_INDEX;
  const Region &region = plan.regions()[state.region];
  // Position counts to the context length, and a cache has a row for each.
  if (state.window > state.maxTokens || region.lifetime != Lifetime::Session ||
      state.maxTokens < plan.contextLength())
    return LLMC_BAD_VALUE;
  // The largest product alone may exceed the region; without it, nothing of the sum can wrap.
  if (uint64_t(state.maxTokens - 1) * state.tokenStride > region.size)
    return LLMC_BAD_RANGE;
  return fits(state.offset, stateBytes(state), region.size) ? LLMC_OK : LLMC_BAD_RANGE;
}

Code PlanVerifier::check(const Tensor &tensor) const {
  const Operand &operand = plan.operands()[tensor.operand];
  if (tensor.rank - 1u >= maxRank || operand.move != none8)
    return LLMC_BAD_VALUE;
  if (uint32_t(tensor.firstDim) + tensor.rank > count(fb::plan::numbers))
    return LLMC_BAD_INDEX;
  uint64_t elements = 1;
  for (uint32_t dim : TensorView(plan, tensor).dims()) {
    elements *= dim;
    if (elements == 0 || elements > none32)
      return LLMC_BAD_VALUE;
  }
  return (elements * bitsOf(tensor.dtype) + 7) / 8 == operand.extent ? LLMC_OK : LLMC_BAD_RANGE;
}

LLMC_SMALL_END
} // namespace llmc::rt
