#include "runtime/plan/source.h"

#include "runtime/base/bytes.h"

namespace llmc::rt {
namespace {

// The table carries no size but llmc_source.size, and every caller checks its range against that
// first.
llmc_status mapBytes(void *ctx, uint64_t offset, size_t, const void **out) {
  *out = static_cast<const uint8_t *>(ctx) + static_cast<size_t>(offset);
  return Status();
}

llmc_status readBytes(void *ctx, uint64_t offset, size_t size, void *dst, uint32_t) {
  copyBytes(dst, static_cast<const uint8_t *>(ctx) + static_cast<size_t>(offset), size);
  return Status();
}

llmc_status pollBytes(void *, uint32_t) { return Status(); }

} // namespace

llmc_source memorySource(const void *bytes, uint64_t size) {
  llmc_source source;
  clearBytes(&source, sizeof(source));
  source.struct_size = sizeof(source);
  source.abi = LLMC_SOURCE_ABI;
  source.ctx = const_cast<void *>(bytes);
  source.size = size;
  source.map = mapBytes;
  source.read_async = readBytes;
  source.poll = pollBytes;
  return source;
}

} // namespace llmc::rt
