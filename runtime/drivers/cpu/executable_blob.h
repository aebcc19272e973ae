// A kernel segment as executable memory.
#ifndef LLMC_RUNTIME_DRIVERS_CPU_EXECUTABLE_BLOB_H
#define LLMC_RUNTIME_DRIVERS_CPU_EXECUTABLE_BLOB_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/base/span.h"

namespace llmc::rt::cpu {

/// A copy of code, written once and then readable and executable, at no time both writable and
/// executable. It is a copy although the file could be mapped: the bytes that run are those whose
/// digest was checked, whatever happens to the file later, and files of a file system mounted
/// noexec run as well. Blobs are small beside weights.
class ExecutableBlob {
public:
  /// `alignment` is a power of two. Null with one sentence in `error`.
  static std::unique_ptr<const ExecutableBlob> create(Span<const uint8_t> code, size_t alignment,
                                                      std::string &error);
  ExecutableBlob(const ExecutableBlob &) = delete;
  ExecutableBlob &operator=(const ExecutableBlob &) = delete;
  ~ExecutableBlob();

  Span<const uint8_t> code() const { return bytes; }

private:
  ExecutableBlob() = default;

  void *mapping = nullptr;
  size_t mappedBytes = 0;
  Span<const uint8_t> bytes;
};

} // namespace llmc::rt::cpu

#endif
