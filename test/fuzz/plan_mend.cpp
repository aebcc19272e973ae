// Mending, in the order of the verifier: memory first, then parameters and operands, then code.
#include <algorithm>
#include <bit>

#include "test/fuzz/plan_mend.h"
#include "test/fuzz/plan_mutator.h"

namespace llmc::fuzz {

using namespace rt;

namespace {

constexpr uint64_t mostBytes = 1 << 15; // of a region

bool isFlash(RegionKind kind) {
  return kind == RegionKind::FlashXip || kind == RegionKind::FlashPaged;
}

} // namespace

void Mender::regions() {
  if (plan.regions.size() > maxRegions)
    plan.regions.resize(maxRegions);
  for (Region &region : plan.regions) {
    region.kind = RegionKind(uint8_t(region.kind) % 7);
    region.lifetime = Lifetime(uint8_t(region.lifetime) % 4);
    region.alignLog2 = std::min<uint8_t>(region.alignLog2, 12);
    region.access &= cpuReads | cpuWrites | deviceReads | deviceWrites | cpuCached;
    if (isFlash(region.kind))
      region.lifetime = Lifetime::Constant;
    if (region.lifetime == Lifetime::Constant)
      region.access &= ~(cpuWrites | deviceWrites);
    if (!(region.access & ~cpuCached))
      region.access |= cpuReads | deviceReads;
    region.reserved = 0;
    name(region.name);
  }
}

void Mender::segments() {
  std::vector<uint64_t> ends(plan.regions.size());
  for (SegmentDescription &segment : plan.segments) {
    if (segment.kind > SegmentKind::Other || segment.kind == SegmentKind::Digests)
      segment.kind = SegmentKind::Other;
    if (segment.chunkLog2 != 0)
      segment.chunkLog2 = std::clamp<uint8_t>(segment.chunkLog2, 10, 30);
    segment.alignLog2 = std::min<uint8_t>(segment.alignLog2, 12);
    if (segment.region == none16)
      continue;
    if (segment.region >= plan.regions.size())
      segment.region = uint16_t(random.below(plan.regions.size()));
    Region &region = plan.regions[segment.region];
    if (region.lifetime != Lifetime::Constant) {
      segment.region = none16;
      continue;
    }
    segment.alignLog2 = std::min(segment.alignLog2, region.alignLog2);
    uint64_t &end = ends[segment.region], align = uint64_t(1) << segment.alignLog2;
    if (segment.regionOffset < end || segment.regionOffset > end + 512)
      segment.regionOffset = end;
    segment.regionOffset = (segment.regionOffset + align - 1) / align * align;
    end = segment.regionOffset + segment.source->size();
  }
}

/// A constant region is as large as what stands in it.
void Mender::sizes() {
  std::vector<uint64_t> ends(plan.regions.size());
  for (const SegmentDescription &segment : plan.segments)
    if (segment.region < ends.size())
      ends[segment.region] = segment.regionOffset + segment.source->size();
  for (size_t i = 0; i < ends.size(); ++i) {
    Region &region = plan.regions[i];
    if (ends[i] != 0) {
      region.size = ends[i];
      continue;
    }
    if (region.lifetime == Lifetime::Constant) { // nothing is there
      region.kind = RegionKind::Sram;
      region.lifetime = Lifetime::Scratch;
    }
    region.size = std::clamp<uint64_t>(region.size, 1, mostBytes);
  }
}

void Mender::params() {
  std::vector<uint32_t> bounds;
  if (plan.params.size() > maxParams)
    plan.params.resize(maxParams);
  for (uint32_t i = 0; i < plan.params.size(); ++i) {
    Param &param = plan.params[i];
    param.reserved = 0;
    if (i < 3)
      param.kind = i < 2 ? ParamKind::Input : ParamKind::KvLen;
    else if (param.kind > ParamKind::Min || param.kind == ParamKind::KvLen)
      param.kind = ParamKind(2 + random.below(9));
    if (isDerived(param))
      derived(param, i, bounds);
    else {
      param.a = param.b = none8;
      bool hasDefault = param.kind == ParamKind::Input && i >= 3;
      param.imm = hasDefault ? std::min(param.imm, param.max) : 0;
    }
    bounds.push_back(param.max);
  }
}

void Mender::derived(Param &param, uint32_t index, const std::vector<uint32_t> &bounds) {
  if (param.a >= index)
    param.a = uint8_t(random.below(index));
  if (!takesSecond(param.kind) || param.b >= index)
    param.b = none8;
  bool shift = param.kind == ParamKind::Shl || param.kind == ParamKind::Shr;
  if (shift)
    param.imm %= 32;
  if (param.kind == ParamKind::Mod || param.kind == ParamKind::CeilDiv)
    param.imm = std::max(param.imm, 1u);
  if (param.kind == ParamKind::Sub) { // its maximum is a limit as well
    param.max = std::max(param.max, 1u);
    return;
  }
  uint64_t most = derive(param, bounds.data(), true);
  if (most > none32) {
    param.imm = 0;
    param.b = none8;
    param.kind = ParamKind::Add;
    most = derive(param, bounds.data(), true);
  }
  if (param.max < most || random.oneIn(2))
    param.max = uint32_t(most);
}

/// Parameters that there are, the used ones first.
void Mender::moves() {
  if (plan.moves.size() > maxMoves)
    plan.moves.resize(maxMoves);
  for (Move &move : plan.moves) {
    unsigned used = 0;
    for (unsigned k = 0; k < 3; ++k) {
      uint8_t param = move.param[k];
      uint32_t stride = move.stride[k];
      move.param[k] = none8;
      move.stride[k] = 0;
      if (param >= plan.params.size())
        continue;
      move.param[used] = param;
      move.stride[used++] = stride;
    }
    move.reserved = 0;
  }
}

void Mender::operands() {
  for (Operand &operand : plan.operands) {
    if (operand.region >= plan.regions.size())
      operand.region = uint16_t(random.below(plan.regions.size()));
    const Region &region = plan.regions[operand.region];
    operand.access &= LLMC_READ | LLMC_WRITE;
    if (operand.access == 0)
      operand.access = LLMC_READ;
    if (operand.offset >= region.size)
      operand.offset = uint32_t(random.below(uint32_t(region.size)));
    uint64_t left = region.size - operand.offset;
    operand.extent = uint32_t(std::clamp<uint64_t>(operand.extent, 1, left));
    if (operand.move >= plan.moves.size())
      operand.move = none8;
    else
      shrink(plan.moves[operand.move], left - operand.extent);
  }
}

/// Until the farthest address stays in the region, `left` bytes beyond the first. Who shares the
/// move stays in its own.
void Mender::shrink(Move &move, uint64_t left) {
  for (uint64_t *more : {&move.offset, &move.extent}) {
    if (*more > left)
      *more = random.oneIn(2) ? left : 0;
    left -= *more;
  }
  for (unsigned k = 0; k < 3 && move.param[k] != none8; ++k) {
    uint64_t most = plan.params[move.param[k]].max;
    if (most != 0 && move.stride[k] > left / most)
      move.stride[k] = random.oneIn(2) ? uint32_t(left / most) : 0;
    left -= most * move.stride[k];
  }
}

void Mender::states() {
  for (size_t i = 0; i < plan.states.size(); ++i) {
    State &state = plan.states[i];
    auto fitting = [&](size_t r) { return plan.regions[r].lifetime == Lifetime::Session; };
    size_t at = state.region < plan.regions.size() ? state.region : 0;
    for (size_t n = 0; n < plan.regions.size() && !fitting(at); ++n)
      at = (at + 1) % plan.regions.size();
    state.region = uint16_t(at);
    if (state.scaleState >= plan.states.size() || state.scaleState == i)
      state.scaleState = none16;
    state.kind = StateKind::KvFlat;
    state.role = StateRole(uint8_t(state.role) % 5);
    state.dtype = DType(uint8_t(state.dtype) % 8);
    state.reserved0 = 0;
    state.reserved1 = 0;
    state.layers = std::max<uint16_t>(state.layers, 1);
    state.heads = std::max<uint16_t>(state.heads, 1);
    uint32_t context = plan.params.size() > 2 ? plan.params[2].max : 1;
    state.maxTokens = std::max(state.maxTokens, std::max(context, 1u));
    state.window = std::min(state.window, state.maxTokens);
    if (state.offset >= plan.regions[at].size)
      state.offset = 0;
    rows(state, plan.regions[at].size - state.offset);
  }
}

/// Row, then strides, within the bytes of the buffer.
void Mender::rows(State &state, uint64_t bytes) {
  uint64_t most = bytes * 8 / bitsOf(state.dtype);
  state.headDim =
      uint16_t(std::clamp<uint64_t>(state.headDim, 1, std::clamp<uint64_t>(most, 1, 65535)));
  uint64_t left = bytes - std::min(bytes, (uint64_t(state.headDim) * bitsOf(state.dtype) + 7) / 8);
  auto fit = [&](uint32_t &stride, uint64_t steps) {
    if (steps != 0 && stride > left / steps)
      stride = uint32_t(left / steps);
    left -= steps * stride;
  };
  fit(state.tokenStride, state.maxTokens - 1);
  fit(state.headStride, state.heads - 1u);
  fit(state.layerStride, state.layers - 1u);
}

void Mender::name(uint16_t &index) {
  if (index != none16 && index >= plan.text.size())
    index = none16;
}

void Mender::blobs() {
  auto fitting = [&](size_t i) {
    const SegmentDescription &segment = plan.segments[i];
    return segment.kind == SegmentKind::Kernel && segment.region < plan.regions.size() &&
           (plan.regions[segment.region].access & cpuReads) &&
           plan.regions[segment.region].kind != RegionKind::FlashPaged;
  };
  if (plan.segments.empty() || plan.targets.empty())
    return;
  if (plan.blobs.size() > maxBlobs)
    plan.blobs.resize(maxBlobs);
  for (Blob &blob : plan.blobs) {
    size_t at = blob.segment < plan.segments.size() ? blob.segment : 0;
    for (size_t n = 0; n < plan.segments.size() && !fitting(at); ++n)
      at = (at + 1) % plan.segments.size();
    blob.segment = uint16_t(at);
    blob.target = uint16_t(blob.target % plan.targets.size());
    uint64_t bytes = plan.segments[at].source->size();
    blob.offset = blob.offset < bytes ? blob.offset : 0;
    blob.size = uint32_t(std::clamp<uint64_t>(blob.size, 1, bytes - blob.offset));
  }
}

void Mender::kernels() {
  if (plan.blobs.empty())
    plan.kernels.clear();
  for (Kernel &kernel : plan.kernels) {
    kernel.blob = uint8_t(kernel.blob % plan.blobs.size());
    kernel.nArgs = std::min<uint8_t>(kernel.nArgs, maxArgs);
    kernel.entry %= std::max(plan.blobs[kernel.blob].size, 1u);
  }
}

void Mender::units() {
  if (plan.queues.size() > maxQueues)
    plan.queues.resize(maxQueues);
  for (Queue &queue : plan.queues)
    queue.target = uint16_t(queue.target % std::max<size_t>(plan.targets.size(), 1));
  for (Rows &each : plan.rows) {
    each.bytes = std::clamp(each.bytes, 1u, uint32_t(mostBytes));
    each.count = std::clamp(each.count, 1u, 4096u);
    each.reserved0 = 0;
    each.reserved1 = 0;
    for (uint32_t *pitch : {&each.srcPitch, &each.dstPitch})
      *pitch = std::clamp(*pitch, each.bytes, uint32_t(mostBytes));
    if (each.countParam >= plan.params.size() || plan.params[each.countParam].max > each.count)
      each.countParam = none8;
  }
}

void mendPlan(PlanDescription &plan, Random &random) {
  if (plan.regions.empty() || plan.params.size() < 3)
    return;
  Mender mender(plan, random);
  static constexpr void (Mender::*parts[])() = {
      &Mender::regions,  &Mender::segments, &Mender::sizes,  &Mender::params,  &Mender::moves,
      &Mender::operands, &Mender::states,   &Mender::blobs,  &Mender::kernels, &Mender::units,
      &Mender::entries,  &Mender::steps,    &Mender::tensors};
  for (auto part : parts)
    (mender.*part)();
}

} // namespace llmc::fuzz
