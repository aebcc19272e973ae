// The signature: optional, through the platform's hooks.
#include "runtime/plan/plan.h"

namespace llmc::rt {

/// A signature is short; longer ones have no room on a small stack.
constexpr uint32_t maxSignatureBytes = 128;

Status Plan::checkSignature(const llmc_platform &platform) const {
  if (!platform.verify_signature)
    return Status(LLMC_UNSUPPORTED, LLMC_AT_PLATFORM);
  uint32_t size = fileHeader.signatureSize;
  if (size == 0)
    return Status(LLMC_NOT_FOUND, LLMC_AT_HEADER, offsetof(FileHeader, signatureOffset));
  if (size > maxSignatureBytes)
    return Status(LLMC_BAD_VALUE, LLMC_AT_HEADER, offsetof(FileHeader, signatureSize));
  // What has no digest would be outside of what was signed.
  for (uint32_t i = 0; i < segments().size; ++i)
    if (segments()[i].digest == none32 && i != digestSegment())
      return Status(LLMC_MISSING, LLMC_AT_DIGEST, i);
  uint8_t signature[maxSignatureBytes], root[32];
  Status status = checkRoot(platform);
  if (status.ok())
    status = rootDigest(platform, root);
  if (status.ok())
    status = readSource(*bytesSource, fileHeader.signatureOffset, size, signature, &platform);
  if (!status.ok())
    return status;
  if (!Status(platform.verify_signature(platform.ctx, root, signature, size)).ok())
    return Status(LLMC_BAD_DIGEST, LLMC_AT_HEADER, offsetof(FileHeader, signatureOffset));
  return {};
}

} // namespace llmc::rt
