// A file's bytes, read-only and mapped.
#ifndef LLMC_RUNTIME_DRIVERS_HOST_MAPPED_FILE_H
#define LLMC_RUNTIME_DRIVERS_HOST_MAPPED_FILE_H

#include <memory>
#include <string>

#include "runtime/base/span.h"
#include "runtime/drivers/host/huge_pages.h"

namespace llmc::rt::host {

class MappedFile {
public:
  /// Aligned parts of a plan, which are so to 64 KiB at most, can be used in place; and large pages
  /// of the file may become large pages of memory.
  static constexpr size_t alignment = hugePageBytes;

  /// Maps a regular file at a multiple of `alignment`. Null with the reason in `error` where that
  /// is not possible.
  static std::unique_ptr<const MappedFile> open(const std::string &path, std::string &error);

  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();

  /// Valid as long as this object, and as the file is not shortened by others.
  Span<const uint8_t> bytes() const { return view; }

private:
  explicit MappedFile(Span<const uint8_t> view) : view(view) {}

  Span<const uint8_t> view;
};

} // namespace llmc::rt::host

#endif
