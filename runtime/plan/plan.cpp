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
    status = fb::verifyBuffer(bytes, fb::planSchema);
  if (!status.ok())
    return status;
  fb::unpack(fb::planId, fb::follow(bytes.data), fields);
  return PlanVerifier(*this).run();
}

uint32_t EntryView::operandOf(TensorRole role, bool isInput) const {
  uint32_t begin = isInput ? 0 : nInputs(), end = nInputs() + (isInput ? 0 : nOutputs());
  for (uint32_t i = begin; i < end; ++i) {
    TensorView tensor(tensorTable(i));
    if (tensor.role() == role)
      return tensor.operand();
  }
  return none32;
}

uint32_t Plan::targetAbi(uint32_t i) const {
  return fb::number(fields[fb::plan::targets].element(i), fb::target::abi);
}

llmc_target_info Plan::target(uint32_t i) const {
  fb::Field parts[fb::target::count];
  fb::unpack(fb::targetId, fields[fb::plan::targets].element(i), parts);
  llmc_target_info info;
  Text text = parts[fb::target::backend].text();
  info.backend = text.data;
  info.backend_size = text.size;
  text = parts[fb::target::device].text();
  info.device = text.data;
  info.device_size = text.size;
  text = parts[fb::target::variant].text();
  info.variant = text.data;
  info.variant_size = text.size;
  info.abi = parts[fb::target::abi].value;
  info.driver_min = parts[fb::target::driverMin].value;
  info.config = parts[fb::target::config].data;
  return info;
}

Text Plan::string(uint32_t i) const {
  if (i == none32)
    return Text();
  const uint8_t *p = fields[fb::plan::strings].element(i);
  return {reinterpret_cast<const char *>(p + 4), fb::load<uint32_t>(p)};
}

Text Plan::metadata(uint32_t i, unsigned part) const {
  fb::Field parts[fb::keyValue::count];
  fb::unpack(fb::keyValueId, fields[fb::plan::metadata].element(i), parts);
  return parts[part].text();
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
