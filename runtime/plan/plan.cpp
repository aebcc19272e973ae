#include "runtime/plan/plan.h"

#include "runtime/plan/verifier.h"

namespace llmc::rt {
namespace {

/// Byte offset of a header field, as the detail of a status.
#define LLMC_HEADER_AT(field) LLMC_AT_HEADER, offsetof(FileHeader, field)

Status checkHeader(const FileHeader &header, uint64_t sourceSize) {
  for (unsigned i = 0; i < sizeof(fileMagic); ++i)
    if (header.magic[i] != fileMagic[i])
      return Status(LLMC_BAD_MAGIC, LLMC_AT_HEADER);
  // Before 1.0 a minor version may change anything.
  if (header.formatMajor != formatMajor)
    return Status(LLMC_BAD_VERSION, LLMC_HEADER_AT(formatMajor));
  if (header.formatMinor != formatMinor)
    return Status(LLMC_BAD_VERSION, LLMC_HEADER_AT(formatMinor));
  if (header.headerSize != sizeof(FileHeader))
    return Status(LLMC_BAD_VALUE, LLMC_HEADER_AT(headerSize));
  if (header.fileSize > sourceSize)
    return Status(LLMC_TRUNCATED, LLMC_HEADER_AT(fileSize));
  if (header.planOffset < sizeof(FileHeader) || header.planOffset % 16)
    return Status(LLMC_BAD_ALIGNMENT, LLMC_HEADER_AT(planOffset));
  if (header.planSize > 0x7FFFFFFFu || !fits(header.planOffset, header.planSize, header.fileSize))
    return Status(LLMC_BAD_RANGE, LLMC_HEADER_AT(planSize));
  if (header.dataOffset < header.planOffset + header.planSize ||
      header.dataOffset > header.fileSize)
    return Status(LLMC_BAD_RANGE, LLMC_HEADER_AT(dataOffset));
  bool hasSignature = header.signatureSize != 0 || header.signatureOffset != 0;
  if (hasSignature && (header.signatureOffset < header.dataOffset ||
                       !fits(header.signatureOffset, header.signatureSize, header.fileSize)))
    return Status(LLMC_BAD_RANGE, LLMC_HEADER_AT(signatureOffset));
  if (header.flags != 0)
    return Status(LLMC_UNKNOWN_FEATURE, LLMC_HEADER_AT(flags));
  return {};
}

Status readHeader(const llmc_source &source, FileHeader *header) {
  if (!LLMC_OFFERS(&source, map) && !LLMC_OFFERS(&source, read_async))
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_SOURCE);
  if (source.size < sizeof(FileHeader))
    return Status(LLMC_TRUNCATED, LLMC_AT_HEADER);
  Status status = readSource(source, 0, sizeof(FileHeader), header, nullptr);
  return status.ok() ? checkHeader(*header, source.size) : status;
}

} // namespace

Status readSource(const llmc_source &source, uint64_t offset, size_t size, void *dst,
                  const llmc_platform *platform) {
  if (!fits(offset, size, source.size))
    return Status(LLMC_TRUNCATED, LLMC_AT_SOURCE);
  const void *mapped = nullptr;
  if (LLMC_OFFERS(&source, map) && Status(source.map(source.ctx, offset, size, &mapped)).ok()) {
    __builtin_memcpy(dst, mapped, size);
    return {};
  }
  if (!LLMC_OFFERS(&source, read_async) || !LLMC_OFFERS(&source, poll))
    return Status(LLMC_UNSUPPORTED, LLMC_AT_SOURCE);
  Status status = source.read_async(source.ctx, offset, size, dst, 0);
  if (!status.ok())
    return status;
  while ((status = source.poll(source.ctx, 0)).pending())
    if (LLMC_HAS(platform, idle))
      platform->idle(platform->ctx);
  return status;
}

Status Plan::residentBytes(const llmc_source &source, uint64_t *bytes) {
  FileHeader header = {};
  Status status = readHeader(source, &header);
  *bytes = status.ok() ? header.planSize : 0;
  return status;
}

Status Plan::open(const llmc_source &source, Span<uint8_t> resident, Plan *plan) {
  Plan opened;
  opened.bytesSource = &source;
  Status status = readHeader(source, &opened.fileHeader);
  if (!status.ok())
    return status;
  const FileHeader &header = opened.fileHeader;
  size_t size = static_cast<size_t>(header.planSize);
  const void *mapped = nullptr;
  bool inPlace = LLMC_OFFERS(&source, map) &&
                 Status(source.map(source.ctx, header.planOffset, size, &mapped)).ok() &&
                 reinterpret_cast<uintptr_t>(mapped) % 8 == 0;
  if (!inPlace) {
    if (resident.size < size)
      return Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, none16);
    status = readSource(source, header.planOffset, size, resident.data, nullptr);
    if (!status.ok())
      return status;
    mapped = resident.data;
  }
  opened.bytes = {static_cast<const uint8_t *>(mapped), size};
  status = fb::verifyBuffer(opened.bytes, fb::planSchema);
  if (!status.ok())
    return status;
  opened.bindRecords();
  status = PlanVerifier(opened).run();
  if (status.ok())
    *plan = opened;
  return status;
}

void Plan::bindRecords() {
  root = fb::root(bytes);
  segmentRecords = root.vector<Segment>(fb::plan::segments);
  regionRecords = root.vector<Region>(fb::plan::regions);
  bufferRecords = root.vector<Buffer>(fb::plan::buffers);
  operandRecords = root.vector<Operand>(fb::plan::operands);
  argIndices = root.vector<uint16_t>(fb::plan::args);
  paramRecords = root.vector<Param>(fb::plan::params);
  kernelRecords = root.vector<Kernel>(fb::plan::kernels);
  queueRecords = root.vector<Queue>(fb::plan::queues);
  dmaRecords = root.vector<Dma>(fb::plan::dmas);
  stepRecords = root.vector<Step>(fb::plan::steps);
  stateRecords = root.vector<State>(fb::plan::states);
}

llmc_target_info Plan::target(uint32_t i) const {
  fb::Table table = fb::Table::element(tables(fb::plan::targets), i);
  Text backend = table.text(fb::target::backend), device = table.text(fb::target::device),
       variant = table.text(fb::target::variant);
  llmc_target_info info = {};
  info.backend = backend.data;
  info.backend_size = backend.size;
  info.device = device.data;
  info.device_size = device.size;
  info.variant = variant.data;
  info.variant_size = variant.size;
  info.abi = table.scalar<uint32_t>(fb::target::abi, 0);
  info.driver_min = table.scalar<uint32_t>(fb::target::driverMin, 0);
  info.config = table.field(fb::target::config);
  return info;
}

Status Plan::regionFileOffset(uint32_t region, uint64_t *offset) const {
  bool found = false;
  for (const Segment &segment : segmentRecords) {
    if (segment.region != region)
      continue;
    if (segment.offset < segment.regionOffset ||
        (found && segment.offset - segment.regionOffset != *offset))
      return Status(LLMC_NOT_FOUND, LLMC_AT_REGION, region);
    *offset = segment.offset - segment.regionOffset;
    found = true;
  }
  return found ? Status() : Status(LLMC_NOT_FOUND, LLMC_AT_REGION, region);
}

Status Plan::mapRegion(uint32_t region, const void **base) const {
  uint64_t offset = 0;
  if (region >= regionRecords.size || regionRecords[region].lifetime != Lifetime::Constant)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_REGION, region);
  const Region &record = regionRecords[region];
  if (!LLMC_HAS(bytesSource, map) || !regionFileOffset(region, &offset).ok() ||
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
  if (region >= regionRecords.size || !memory.base)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_MEMORY, region);
  if (memory.size < regionRecords[region].size)
    return Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, region);
  for (const Segment &segment : segmentRecords) {
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
