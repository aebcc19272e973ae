#include "runtime/plan/checked_source.h"

#include "runtime/base/small.h"

namespace llmc::rt {
LLMC_SMALL_BEGIN
namespace {

bool isPaged(const Plan &plan, const Segment &segment) {
  return segment.region != none16 && plan.regions()[segment.region].kind == RegionKind::FlashPaged;
}

} // namespace

CheckedSource::CheckedSource(const llmc_source &flash) : flash(flash) {
  clearBytes(&hook, sizeof(hook));
  clearBytes(&work, sizeof(work));
  hook.struct_size = sizeof(hook);
  hook.abi = LLMC_SOURCE_ABI;
  hook.ctx = this;
  hook.size = flash.size;
  hook.map = flash.map ? map : nullptr;
  hook.read_async = flash.read_async ? read : nullptr;
  hook.poll = flash.poll ? poll : nullptr;
}

llmc_status CheckedSource::map(void *context, uint64_t offset, size_t size, const void **out) {
  const llmc_source &flash = of(context).flash;
  return flash.map(flash.ctx, offset, size, out);
}

/// What the largest chunk of paged weights takes, and the digests where they have no address.
Status CheckedSource::measure(const Plan &plan, Work *work) const {
  clearBytes(work, sizeof(*work));
  for (uint32_t i = 0; i < plan.segments().size; ++i) {
    const Segment &segment = plan.segments()[i];
    if (!isPaged(plan, segment))
      continue;
    if (segment.digest == none32 || segment.chunkLog2 == 0)
      return Status(LLMC_MISSING, LLMC_AT_SEGMENT, i);
    const size_t chunk = size_t(1) << segment.chunkLog2;
    work->chunkBytes = chunk > work->chunkBytes ? chunk : work->chunkBytes;
  }
  if (work->chunkBytes == 0)
    return {};
  work->readBytes = chunksPerRead * work->chunkBytes + partsPerRead * sizeof(Part);
  const Segment &digests = plan.segments()[plan.digestSegment()];
  const void *mapped = nullptr;
  const size_t size = size_t(digests.size);
  if (flash.map && Status(flash.map(flash.ctx, digests.offset, size, &mapped)).ok())
    work->digests = static_cast<const uint8_t *>(mapped);
  else
    work->digestBytes = size;
  return {};
}

Status CheckedSource::workBytes(const Plan &plan, uint32_t reads, uint64_t *bytes) const {
  Work work;
  Status status = measure(plan, &work);
  *bytes = uint64_t(reads) * work.readBytes + work.digestBytes;
  return status;
}

Status CheckedSource::check(const Plan &opened, const llmc_platform &hooks, Span<uint8_t> memory) {
  reads = 0;
  if (&opened.source() != &hook || count != 0)
    return Status(LLMC_WRONG_STATE, LLMC_AT_SOURCE);
  if (!hooks.sha256)
    return Status(LLMC_UNSUPPORTED, LLMC_AT_PLATFORM);
  Status status = measure(opened, &work);
  if (!status.ok() || work.chunkBytes == 0)
    return status;
  if (memory.size < work.readBytes || memory.size - work.readBytes < work.digestBytes)
    return Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, none16);
  if (reinterpret_cast<uintptr_t>(memory.data) % alignof(Part))
    return Status(LLMC_BAD_ALIGNMENT, LLMC_AT_MEMORY, none16);
  const uint16_t at = opened.digestSegment();
  const Segment &digests = opened.segments()[at];
  if (!work.digests) {
    memory.size -= work.digestBytes;
    work.digests = memory.data + memory.size;
    status = readSource(flash, digests.offset, work.digestBytes, memory.data + memory.size, &hooks);
  }
  uint8_t digest[32];
  if (status.ok())
    status = hooks.sha256(hooks.ctx, work.digests, size_t(digests.size), digest);
  if (!status.ok())
    return status;
  if (!sameBytes(digest, opened.digestRoot(), sizeof(digest)))
    return Status(LLMC_BAD_DIGEST, LLMC_AT_SEGMENT, at);
  plan = &opened;
  platform = &hooks;
  chunks = memory.data;
  reads = uint32_t(memory.size / work.readBytes);
  void *behind = chunks + size_t(reads) * chunksPerRead * work.chunkBytes;
  parts = static_cast<Part *>(behind);
  return {};
}

/// That of paged weights which holds the range.
const Segment *CheckedSource::segmentOf(size_t begin, size_t end) const {
  for (const Segment &segment : plan->segments())
    if (isPaged(*plan, segment) && begin >= size_t(segment.offset) &&
        end <= size_t(segment.offset) + size_t(segment.size))
      return &segment;
  return nullptr;
}

/// Appends the parts of a read.
void CheckedSource::split(size_t begin, size_t end, uint8_t *to, uint32_t tag) {
  Part part = {segmentOf(begin, end), begin, end - begin, to, to, 0, 0, tag};
  size_t chunk = 0, last = end;
  if (part.segment) {
    const size_t origin = size_t(part.segment->offset);
    chunk = size_t(1) << part.segment->chunkLog2;
    last = origin + size_t(part.segment->size);
    part.begin -= (begin - origin) & (chunk - 1);
  }
  do {
    const size_t left = end - part.begin;
    if (part.begin >= begin && (left >= chunk || end == last)) {
      part.size = end == last ? left : left & ~(chunk - 1);
      part.into = part.to;
      part.from = part.bytes = 0;
    } else {
      part.size = last - part.begin < chunk ? last - part.begin : chunk;
      part.into = chunks + (firstAside + nAside++) % (chunksPerRead * reads) * work.chunkBytes;
      part.from = part.begin < begin ? begin - part.begin : 0;
      part.bytes = (left < part.size ? left : part.size) - part.from;
    }
    parts[(first + count++) % (partsPerRead * reads)] = part;
    part.to += part.bytes ? part.bytes : part.size;
    part.begin += part.size;
  } while (part.begin < end);
}

/// As many parts as the flash takes.
void CheckedSource::submit() {
  while (error.ok() && submitted - finished < count) {
    const Part &part = parts[(first + (submitted - finished)) % (partsPerRead * reads)];
    Status status = flash.read_async(flash.ctx, part.begin, part.size, part.into, submitted + 1);
    if (status.pending())
      return;
    error = status;
    submitted += status.ok();
  }
}

Status CheckedSource::compare(const Part &part) const {
  const Segment &segment = *part.segment;
  size_t index = segment.digest + ((part.begin - size_t(segment.offset)) >> segment.chunkLog2);
  const uint8_t *data = part.into, *end = data + part.size;
  do {
    size_t size = size_t(1) << segment.chunkLog2;
    size = size_t(end - data) < size ? size_t(end - data) : size;
    uint8_t digest[32];
    Status status = platform->sha256(platform->ctx, data, size, digest);
    if (!status.ok())
      return status;
    if (!sameBytes(digest, work.digests + index * sizeof(digest), sizeof(digest)))
      return Status(LLMC_BAD_DIGEST, LLMC_AT_DIGEST, index);
    data += size;
    ++index;
  } while (data != end);
  return {};
}

/// The first part: PENDING while it is under way.
Status CheckedSource::finishPart() {
  submit();
  if (!error.ok())
    return give();
  if (submitted == finished)
    return LLMC_PENDING; // the flash has no room
  error = flash.poll(flash.ctx, finished + 1);
  if (error.pending()) {
    error = {};
    return LLMC_PENDING;
  }
  const Part &part = parts[first];
  if (error.ok() && part.segment)
    error = compare(part);
  if (!error.ok())
    return give();
  copyBytes(part.to, part.into + part.from, part.bytes);
  if (part.bytes) {
    firstAside = (firstAside + 1) % (chunksPerRead * reads);
    --nAside;
  }
  first = (first + 1) % (partsPerRead * reads);
  --count;
  ++finished;
  return {};
}

/// The error, once nothing writes memory any more.
Status CheckedSource::give() {
  if (submitted != finished && Status(flash.poll(flash.ctx, submitted)).pending())
    return LLMC_PENDING;
  Status status = error;
  error = {};
  finished = submitted;
  count = nAside = 0;
  return status;
}

llmc_status CheckedSource::read(void *context, uint64_t offset, size_t size, void *to,
                                uint32_t tag) {
  CheckedSource &self = of(context);
  const llmc_source &flash = self.flash;
  if (self.reads == 0)
    return flash.read_async(flash.ctx, offset, size, to, tag);
  while (!self.error.ok() || self.count > partsPerRead * (self.reads - 1) ||
         self.nAside > chunksPerRead * (self.reads - 1))
    if (Status status = self.finishPart(); !status.ok())
      return status;
  self.split(size_t(offset), size_t(offset) + size, static_cast<uint8_t *>(to), tag);
  self.submit(); // an error comes out when the read is waited for
  return Status();
}

llmc_status CheckedSource::poll(void *context, uint32_t tag) {
  CheckedSource &self = of(context);
  if (self.reads == 0)
    return self.flash.poll(self.flash.ctx, tag);
  // Tags wrap; only differences count.
  while (self.count != 0 && int32_t(self.parts[self.first].tag - tag) <= 0)
    if (Status status = self.finishPart(); !status.ok())
      return status;
  return Status();
}

LLMC_SMALL_END
} // namespace llmc::rt
