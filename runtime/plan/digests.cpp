// Digests: optional, through the platform's SHA-256 hook.
#include "runtime/plan/plan.h"

namespace llmc::rt {
Status Plan::rootDigestOf(const FileHeader &of, const llmc_platform &platform,
                          uint8_t out[32]) const {
  if (!platform.sha256)
    return Status(LLMC_UNSUPPORTED, LLMC_AT_PLATFORM);
  FileHeader header;
  copyBytes(&header, &of, sizeof(header));
  header.signatureOffset = 0;
  header.signatureSize = 0;
  for (uint8_t &byte : header.root)
    byte = 0;
  uint8_t parts[64];
  Status status = platform.sha256(platform.ctx, &header, sizeof(header), parts);
  if (status.ok())
    status = platform.sha256(platform.ctx, bytes.data, bytes.size, parts + 32);
  if (status.ok())
    status = platform.sha256(platform.ctx, parts, sizeof(parts), out);
  return status;
}

Status Plan::checkRoot(const llmc_platform &platform) const {
  uint8_t digest[32];
  Status status = rootDigest(platform, digest);
  if (!status.ok())
    return status;
  if (!sameBytes(digest, fileHeader.root, sizeof(fileHeader.root)))
    return Status(LLMC_BAD_DIGEST, LLMC_AT_HEADER, offsetof(FileHeader, root));
  if (digestSegment() == none16)
    return {};
  const Segment &segment = segments()[digestSegment()];
  const void *data = nullptr;
  if (!bytesSource->map)
    return Status(LLMC_UNSUPPORTED, LLMC_AT_SOURCE, digestSegment());
  status = bytesSource->map(bytesSource->ctx, segment.offset, size_t(segment.size), &data);
  if (status.ok())
    status = platform.sha256(platform.ctx, data, size_t(segment.size), digest);
  if (status.ok() && !sameBytes(digest, digestRoot(), sizeof(digest)))
    return Status(LLMC_BAD_DIGEST, LLMC_AT_SEGMENT, digestSegment());
  return status;
}

Status Plan::checkSegment(uint32_t index, const void *data, const llmc_platform &platform,
                          Range *differs) const {
  if (index >= segments().size)
    return Status(LLMC_INVALID_ARGUMENT, LLMC_AT_SEGMENT, index);
  const Segment &segment = segments()[index];
  if (segment.digest == none32)
    return {};
  if (!platform.sha256 || !bytesSource->map)
    return Status(LLMC_UNSUPPORTED, LLMC_AT_PLATFORM);
  // Native width: open saw to it.
  size_t total = size_t(segment.size);
  size_t chunk = segment.chunkLog2 ? size_t(1) << segment.chunkLog2 : total;
  size_t digestOffset = size_t(segments()[digestSegment()].offset) + size_t(segment.digest) * 32;
  for (size_t at = 0; at < total; at += chunk, digestOffset += 32) {
    const size_t size = total - at < chunk ? total - at : chunk;
    const void *expected = nullptr;
    uint8_t digest[32];
    Status status = bytesSource->map(bytesSource->ctx, digestOffset, 32, &expected);
    if (status.ok())
      status = platform.sha256(platform.ctx, static_cast<const uint8_t *>(data) + at, size, digest);
    if (!status.ok())
      return status;
    if (sameBytes(digest, expected, 32))
      continue;
    if (differs)
      *differs = {at, at + size};
    return Status(LLMC_BAD_DIGEST, LLMC_AT_SEGMENT, index);
  }
  return {};
}

} // namespace llmc::rt
