// A file's bytes, read-only and mapped.
#ifndef LLMC_RUNTIME_DRIVERS_HOST_MAPPED_FILE_H
#define LLMC_RUNTIME_DRIVERS_HOST_MAPPED_FILE_H

#include <memory>
#include <string>

#include "runtime/base/span.h"

namespace llmc::rt::host {

class MappedFile {
public:
  /// What aligned parts of a plan are aligned to at most: they can be used in place.
  static constexpr size_t alignment = size_t(1) << 16;

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
