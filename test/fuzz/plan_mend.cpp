// Mending, in the order of the verifier: memory first, then parameters and operands, then code.
#include <algorithm>
#include <bit>

#include "test/fuzz/plan_mend.h"
#include "test/fuzz/plan_mutator.h"

namespace llmc::fuzz {

using namespace rt;

namespace {

constexpr uint64_t mostBytes = 1 << 15; // of a buffer, and of where it begins

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
    name(region.name);
  }
}

/// A segment may stand in constant regions, and initial states in those of a session.
void Mender::place(SegmentDescription &segment, Region &region) {
  if (region.lifetime == Lifetime::Session) {
    segment.kind = SegmentKind::StateInit;
    region.access |= cpuWrites;
  } else if (region.lifetime != Lifetime::Constant) {
    segment.region = none16;
  } else if (segment.kind == SegmentKind::StateInit) {
    segment.kind = SegmentKind::Other;
  }
}

void Mender::segments() {
  std::vector<uint64_t> ends(plan.regions.size());
  for (SegmentDescription &segment : plan.segments) {
    if (segment.kind > SegmentKind::Debug || segment.kind == SegmentKind::Digests)
      segment.kind = SegmentKind::Other;
    if (segment.chunkLog2 != 0)
      segment.chunkLog2 = std::clamp<uint8_t>(segment.chunkLog2, 10, 30);
    segment.alignLog2 = std::min<uint8_t>(segment.alignLog2, 12);
    if (segment.region == none16)
      continue;
    if (segment.region >= plan.regions.size())
      segment.region = uint16_t(random.below(plan.regions.size()));
    Region &region = plan.regions[segment.region];
    place(segment, region);
    if (segment.region == none16)
      continue;
    segment.alignLog2 = std::min(segment.alignLog2, region.alignLog2);
    uint64_t &end = ends[segment.region], align = uint64_t(1) << segment.alignLog2;
    if (segment.regionOffset < end || segment.regionOffset > end + 512)
      segment.regionOffset = end;
    segment.regionOffset = (segment.regionOffset + align - 1) / align * align;
    end = segment.regionOffset + segment.source->size();
  }
}

/// Into the segment that holds the buffer's bytes; false where its region has none.
bool Mender::intoSegment(Buffer &buffer) {
  auto fitting = [&](size_t i) { return plan.segments[i].region == buffer.region; };
  size_t at = buffer.segment < plan.segments.size() ? buffer.segment : 0;
  for (size_t n = 0; n < plan.segments.size() && !fitting(at); ++n)
    at = (at + 1) % plan.segments.size();
  if (plan.segments.empty() || !fitting(at))
    return false;
  const SegmentDescription &segment = plan.segments[at];
  uint64_t size = segment.source->size();
  buffer.segment = uint16_t(at);
  if (buffer.offset < segment.regionOffset || buffer.offset - segment.regionOffset >= size)
    buffer.offset = segment.regionOffset;
  buffer.size = std::min(buffer.size, size - (buffer.offset - segment.regionOffset));
  return true;
}

void Mender::buffers() {
  for (Buffer &buffer : plan.buffers) {
    if (buffer.region >= plan.regions.size())
      buffer.region = uint16_t(random.below(plan.regions.size()));
    name(buffer.name);
    if (buffer.offset > mostBytes)
      buffer.offset = random.below(512);
    buffer.size = std::clamp<uint64_t>(buffer.size, 1, mostBytes);
    bool constant = plan.regions[buffer.region].lifetime == Lifetime::Constant;
    if (!constant && buffer.segment != none16 &&
        (buffer.segment >= plan.segments.size() || random.oneIn(2) || !intoSegment(buffer)))
      buffer.segment = none16;
    for (uint32_t n = 0; constant && !intoSegment(buffer) && n < plan.regions.size(); ++n) {
      buffer.region = uint16_t((buffer.region + 1) % plan.regions.size());
      constant = plan.regions[buffer.region].lifetime == Lifetime::Constant;
      buffer.segment = none16;
    }
  }
}

/// A region is as large as what stands in it.
void Mender::sizes() {
  std::vector<uint64_t> ends(plan.regions.size());
  for (const Buffer &buffer : plan.buffers)
    if (buffer.region < ends.size())
      ends[buffer.region] = std::max(ends[buffer.region], buffer.offset + buffer.size);
  for (const SegmentDescription &segment : plan.segments)
    if (segment.region < ends.size())
      ends[segment.region] =
          std::max(ends[segment.region], segment.regionOffset + segment.source->size());
  for (size_t i = 0; i < ends.size(); ++i) {
    if (ends[i] == 0) { // nothing is there: a buffer of its own
      Region &region = plan.regions[i];
      region.kind = RegionKind::Sram;
      region.lifetime = Lifetime::Scratch;
      ends[i] = 64;
      plan.buffers.push_back({0, 64, none32, uint16_t(i), none16});
    }
    plan.regions[i].size = ends[i];
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

void Mender::operands() {
  for (Operand &operand : plan.operands) {
    if (operand.buffer >= plan.buffers.size())
      operand.buffer = uint16_t(random.below(plan.buffers.size()));
    if (plan.buffers.empty())
      return;
    const Buffer &buffer = plan.buffers[operand.buffer];
    operand.region = uint8_t(buffer.region);
    for (uint8_t &reserved : operand.reserved)
      reserved = 0;
    operand.access &= LLMC_READ | LLMC_WRITE;
    if (operand.access == 0)
      operand.access = LLMC_READ;
    if (operand.offset < buffer.offset || operand.offset - buffer.offset >= buffer.size)
      operand.offset = buffer.offset;
    uint64_t left = buffer.size - (operand.offset - buffer.offset);
    operand.extent = std::clamp<uint64_t>(operand.extent, 1, left);
    moves(operand, left - operand.extent);
  }
}

/// Strides such that the farthest address stays in the buffer, `left` bytes beyond the first.
void Mender::moves(Operand &operand, uint64_t left) {
  unsigned used = 0;
  for (unsigned k = 0; k < 3; ++k) {
    uint8_t param = operand.param[k];
    uint32_t stride = operand.stride[k];
    operand.param[k] = none8;
    operand.stride[k] = 0;
    if (param >= plan.params.size())
      continue;
    uint64_t most = plan.params[param].max;
    if (most != 0 && stride > left / most)
      stride = random.oneIn(2) ? uint32_t(left / most) : 0;
    left -= most * stride;
    operand.param[used] = param;
    operand.stride[used++] = stride;
  }
  operand.flags = used ? 0 : operandStatic;
}

void Mender::states() {
  for (size_t i = 0; i < plan.states.size(); ++i) {
    State &state = plan.states[i];
    auto fitting = [&](size_t b) {
      return plan.regions[plan.buffers[b].region].lifetime == Lifetime::Session;
    };
    size_t at = state.buffer < plan.buffers.size() ? state.buffer : 0;
    for (size_t n = 0; n < plan.buffers.size() && !fitting(at); ++n)
      at = (at + 1) % plan.buffers.size();
    state.buffer = uint16_t(at);
    if (state.scaleState >= plan.states.size() || state.scaleState == i)
      state.scaleState = none16;
    state.kind = StateKind(uint8_t(state.kind) % 5);
    state.role = StateRole(uint8_t(state.role) % 5);
    state.dtype = DType(uint8_t(state.dtype) % 8);
    state.reserved = 0;
    state.pageTokens =
        state.kind == StateKind::KvPaged ? std::max<uint16_t>(state.pageTokens, 1) : uint16_t(0);
    state.layers = std::max<uint16_t>(state.layers, 1);
    state.heads = std::max<uint16_t>(state.heads, 1);
    uint32_t context = plan.params.size() > 2 ? plan.params[2].max : 1;
    state.maxTokens = std::max(state.maxTokens, std::max(context, 1u));
    state.window = std::min(state.window, state.maxTokens);
    if (!plan.buffers.empty())
      rows(state, plan.buffers[at].size);
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

void Mender::name(uint32_t &index) {
  if (index != none32 && index >= plan.strings.size())
    index = none32;
}

void Mender::kernels() {
  auto fitting = [&](size_t i) {
    const SegmentDescription &segment = plan.segments[i];
    return segment.kind == SegmentKind::Kernel && segment.region < plan.regions.size() &&
           (plan.regions[segment.region].access & cpuReads) &&
           plan.regions[segment.region].kind != RegionKind::FlashPaged;
  };
  for (Kernel &kernel : plan.kernels) {
    size_t at = kernel.segment < plan.segments.size() ? kernel.segment : 0;
    for (size_t n = 0; n < plan.segments.size() && !fitting(at); ++n)
      at = (at + 1) % plan.segments.size();
    if (plan.segments.empty() || plan.targets.empty())
      return;
    kernel.segment = uint16_t(at);
    kernel.target = uint16_t(kernel.target % plan.targets.size());
    kernel.abi = uint16_t(plan.targets[kernel.target].abi);
    kernel.reserved = 0;
    name(kernel.name);
    kernel.nArgs = std::min<uint16_t>(kernel.nArgs, maxArgs);
    uint64_t bytes = plan.segments[at].source->size();
    kernel.offset = kernel.offset < bytes ? kernel.offset : 0;
    kernel.size = uint32_t(std::clamp<uint64_t>(kernel.size, 1, bytes - kernel.offset));
    kernel.entry %= kernel.size;
  }
}

void Mender::units() {
  if (plan.queues.size() > maxQueues)
    plan.queues.resize(maxQueues);
  for (Queue &queue : plan.queues)
    queue.target = uint16_t(queue.target % std::max<size_t>(plan.targets.size(), 1));
  for (Dma &dma : plan.dmas) {
    dma.rowBytes = std::clamp(dma.rowBytes, 1u, uint32_t(mostBytes));
    dma.rows = std::clamp(dma.rows, 1u, 4096u);
    dma.reserved0 = 0;
    dma.reserved1 = 0;
    for (uint32_t *pitch : {&dma.srcPitch, &dma.dstPitch})
      *pitch = std::clamp(*pitch, dma.rowBytes, uint32_t(mostBytes));
    if (dma.rowsParam >= plan.params.size() || plan.params[dma.rowsParam].max > dma.rows)
      dma.rowsParam = none8;
  }
}

void mendPlan(PlanDescription &plan, Random &random) {
  if (plan.regions.empty() || plan.buffers.empty() || plan.params.size() < 3)
    return;
  Mender mender(plan, random);
  static constexpr void (Mender::*parts[])() = {
      &Mender::regions, &Mender::segments, &Mender::buffers, &Mender::sizes,
      &Mender::params,  &Mender::operands, &Mender::states,  &Mender::kernels,
      &Mender::units,   &Mender::entries,  &Mender::steps,   &Mender::tensors};
  for (auto part : parts)
    (mender.*part)();
}

} // namespace llmc::fuzz
