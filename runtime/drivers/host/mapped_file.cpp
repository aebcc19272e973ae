#include "runtime/drivers/host/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmc::rt::host {

namespace {

/// Maps an open file. Null, or the reason.
const char *mapInto(int file, Span<const uint8_t> &view) {
  struct stat status = {};
  if (::fstat(file, &status) != 0)
    return std::strerror(errno);
  if (S_ISDIR(status.st_mode))
    return std::strerror(EISDIR);
  if (!S_ISREG(status.st_mode))
    return "it is not a regular file";
  if (status.st_size == 0)
    return nullptr;
  size_t size = size_t(status.st_size);
  void *memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (memory == MAP_FAILED)
    return std::strerror(errno);
  view = {static_cast<const uint8_t *>(memory), size};
  return nullptr;
}

} // namespace

std::unique_ptr<const MappedFile> MappedFile::open(const std::string &path, std::string &error) {
  Span<const uint8_t> view;
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const char *problem = file < 0 ? std::strerror(errno) : mapInto(file, view);
  if (file >= 0)
    ::close(file);
  if (problem) {
    error = "cannot read '" + path + "': " + problem;
    return nullptr;
  }
  return std::unique_ptr<const MappedFile>(new MappedFile(view));
}

MappedFile::~MappedFile() {
  if (!view.empty())
    ::munmap(const_cast<uint8_t *>(view.data), view.size);
}

} // namespace llmc::rt::host
