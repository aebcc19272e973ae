#include "runtime/plan/plan.h"

#include "runtime/plan/verifier.h"

namespace llmc::rt {
namespace {

constexpr uint64_t word(const uint8_t (&bytes)[8]) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i)
    value |= uint64_t(bytes[i]) << (8 * i);
  return value;
}

/// A finding at a field of the header: its code, and the field's byte offset as detail.
#define LLMC_REFUSE_IF(condition, code, field)                                                     \
  if (condition)                                                                                   \
  return packStatus(code, LLMC_AT_HEADER, offsetof(FileHeader, field))

/// The word of a status. A file has no more bytes than an address can tell, which is checked first.
uint32_t checkHeader(const FileHeader &header, uint64_t sourceSize) {
  LLMC_REFUSE_IF(fb::load<uint64_t>(header.magic) != word(fileMagic), LLMC_BAD_MAGIC, magic);
  // Before 1.0 a minor version may change anything.
  LLMC_REFUSE_IF(header.formatMajor != formatMajor, LLMC_BAD_VERSION, formatMajor);
  LLMC_REFUSE_IF(header.formatMinor != formatMinor, LLMC_BAD_VERSION, formatMinor);
  LLMC_REFUSE_IF(header.headerSize != sizeof(FileHeader), LLMC_BAD_VALUE, headerSize);
  LLMC_REFUSE_IF(header.fileSize > sourceSize || header.fileSize > SIZE_MAX, LLMC_TRUNCATED,
                 fileSize);
  size_t fileSize = size_t(header.fileSize), planOffset = size_t(header.planOffset),
         planSize = size_t(header.planSize), dataOffset = size_t(header.dataOffset);
  LLMC_REFUSE_IF(header.planOffset > fileSize || header.planSize > fileSize - planOffset ||
                     planSize > 0x7FFFFFFFu,
                 LLMC_BAD_RANGE, planSize);
  LLMC_REFUSE_IF(planOffset < sizeof(FileHeader) || planOffset % 16, LLMC_BAD_ALIGNMENT,
                 planOffset);
  LLMC_REFUSE_IF(header.dataOffset > fileSize || dataOffset < planOffset + planSize, LLMC_BAD_RANGE,
                 dataOffset);
  LLMC_REFUSE_IF((header.signatureSize != 0 || header.signatureOffset != 0) &&
                     (header.signatureOffset > fileSize ||
                      size_t(header.signatureOffset) < dataOffset ||
                      header.signatureSize > fileSize - size_t(header.signatureOffset)),
                 LLMC_BAD_RANGE, signatureOffset);
  LLMC_REFUSE_IF(header.flags != 0, LLMC_UNKNOWN_FEATURE, flags);
  return LLMC_OK;
}

Status readHeader(const llmc_source &source, FileHeader *header) {
  if (source.abi != LLMC_SOURCE_ABI || source.struct_size < LLMC_SOURCE_BYTES_1)
    return Status(LLMC_UNSUPPORTED, LLMC_AT_SOURCE);
  if (!source.map && !(source.read_async && source.poll))
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_SOURCE);
  if (source.size < sizeof(FileHeader))
    return Status(LLMC_TRUNCATED, LLMC_AT_HEADER);
  Status status = readSource(source, 0, sizeof(FileHeader), header, nullptr);
  if (status.ok())
    status.word = checkHeader(*header, source.size);
  return status;
}

} // namespace

Status readSource(const llmc_source &source, uint64_t offset, size_t size, void *dst,
                  const llmc_platform *platform) {
  if (!fits(offset, size, source.size))
    return Status(LLMC_TRUNCATED, LLMC_AT_SOURCE);
  const void *mapped = nullptr;
  if (source.map && Status(source.map(source.ctx, offset, size, &mapped)).ok()) {
    copyBytes(dst, mapped, size);
    return {};
  }
  if (!source.read_async || !source.poll)
    return Status(LLMC_UNSUPPORTED, LLMC_AT_SOURCE);
  Status status = source.read_async(source.ctx, offset, size, dst, 0);
  if (!status.ok())
    return status;
  while ((status = source.poll(source.ctx, 0)).pending())
    if (platform && platform->idle)
      platform->idle(platform->ctx);
  return status;
}

Status Plan::residentBytes(const llmc_source &source, uint64_t *bytes) {
  FileHeader header;
  Status status = readHeader(source, &header);
  *bytes = status.ok() ? header.planSize : 0;
  return status;
}

/// The plan part in place, or copied.
Status Plan::findPlan(Span<uint8_t> resident) {
  size_t size = static_cast<size_t>(fileHeader.planSize);
  const void *mapped = nullptr;
  bool inPlace =
      bytesSource->map &&
      Status(bytesSource->map(bytesSource->ctx, fileHeader.planOffset, size, &mapped)).ok() &&
      reinterpret_cast<uintptr_t>(mapped) % 8 == 0;
  bytes = {static_cast<const uint8_t *>(mapped), size};
  if (inPlace)
    return {};
  if (resident.size < size)
    return Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, none16);
  bytes.data = resident.data;
  return readSource(*bytesSource, fileHeader.planOffset, size, resident.data, nullptr);
}

Status Plan::open(const llmc_source &source, Span<uint8_t> resident, Plan *plan) {
  plan->bytesSource = &source;
  Status status = plan->openParts(resident);
  if (!status.ok())
    clearBytes(static_cast<void *>(plan), sizeof(*plan)); // as it was constructed
  return status;
}

Status Plan::openParts(Span<uint8_t> resident) {
  Status status = readHeader(*bytesSource, &fileHeader);
  if (status.ok())
    status = findPlan(resident);
  if (status.ok())
    status = fb::readPlan(bytes, fields);
  return status.ok() ? PlanVerifier(*this).run() : status;
}

uint32_t EntryView::operandOf(TensorRole role, bool isInput) const {
  const Tensor *tensor = plan->tensors().data + record->firstTensor;
  uint32_t n = record->nInputs;
  if (!isInput) {
    tensor += n;
    n = record->nOutputs;
  }
  for (; n; --n, ++tensor)
    if (tensor->role == role)
      return tensor->operand;
  return none32;
}

uint32_t EntryView::stackBytes() const {
  uint32_t most = 0;
  const Step *step = plan->steps().data + record->firstStep;
  for (uint32_t n = record->nSteps; n; --n, ++step)
    if (step->op == StepOp::Dispatch && plan->kernels()[step->a].stack > most)
      most = plan->kernels()[step->a].stack;
  return most * stackUnit;
}

Text Plan::text(uint16_t name) const {
  Text text;
  if (name == none16)
    return text;
  text.data = reinterpret_cast<const char *>(fields[fb::plan::text].data) + name;
  while (text.data[text.size])
    ++text.size;
  return text;
}

uint16_t Plan::segmentOf(SegmentKind kind) const {
  uint32_t i = 0;
  for (const Segment &segment : segments()) {
    if (segment.kind == kind)
      return uint16_t(i);
    ++i;
  }
  return none16;
}

llmc_target_info Plan::target(uint32_t i) const {
  const Target &record = targets()[i];
  llmc_target_info info;
  Text name = text(record.backend);
  info.backend = name.data;
  info.backend_size = name.size;
  name = text(record.device);
  info.device = name.data;
  info.device_size = name.size;
  name = text(record.variant);
  info.variant = name.data;
  info.variant_size = name.size;
  info.abi = record.abi;
  info.driver_min = record.driverMin;
  const uint64_t *config = record.config.words;
  bool isStated = config[0] | config[1] | config[2] | config[3];
  info.config = isStated ? reinterpret_cast<const uint8_t *>(config) : nullptr;
  return info;
}

Status Plan::regionFileOffset(uint32_t region, uint64_t *offset) const {
  bool found = false;
  for (const Segment &segment : segments()) {
    if (segment.region != region)
      continue;
    size_t at = size_t(segment.offset) - size_t(segment.regionOffset);
    if (segment.offset < segment.regionOffset || (found && at != *offset))
      return Status(LLMC_NOT_FOUND, LLMC_AT_REGION, region);
    *offset = at;
    found = true;
  }
  return found ? Status() : Status(LLMC_NOT_FOUND, LLMC_AT_REGION, region);
}

Status Plan::mapRegion(uint32_t region, const void **base) const {
  uint64_t offset = 0;
  if (region >= regions().size || regions()[region].lifetime != Lifetime::Constant)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_REGION, region);
  const Region &record = regions()[region];
  if (!bytesSource->map || !regionFileOffset(region, &offset).ok() ||
      !fits(offset, record.size, bytesSource->size))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_REGION, region);
  Status status =
      bytesSource->map(bytesSource->ctx, offset, static_cast<size_t>(record.size), base);
  if (!status.ok())
    return status;
  if (reinterpret_cast<uintptr_t>(*base) & ((uintptr_t(1) << record.alignLog2) - 1))
    return Status(LLMC_BAD_ALIGNMENT, LLMC_AT_MEMORY, region);
  return {};
}

Status Plan::loadRegion(uint32_t region, const llmc_memory &memory,
                        const llmc_platform *platform) const {
  if (region >= regions().size || !memory.base)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_MEMORY, region);
  if (memory.size < regions()[region].size)
    return Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, region);
  for (const Segment &segment : segments()) {
    if (segment.region != region)
      continue;
    uint8_t *to = static_cast<uint8_t *>(memory.base) + static_cast<size_t>(segment.regionOffset);
    Status status =
        readSource(*bytesSource, segment.offset, static_cast<size_t>(segment.size), to, platform);
    if (!status.ok())
      return status;
  }
  return {};
}

} // namespace llmc::rt
