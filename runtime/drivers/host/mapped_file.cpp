#include "runtime/drivers/host/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmc::rt::host {

namespace {

/// Maps `size` bytes of a file at a multiple of the alignment: reserves more than that, maps over
/// it, and gives the rest back. Null where the system refuses.
const uint8_t *mapAligned(int file, size_t size) {
  constexpr size_t align = MappedFile::alignment;
  const size_t page = size_t(::sysconf(_SC_PAGESIZE)); // at most that
  if (size > SIZE_MAX - page - align)
    return nullptr;
  const size_t pages = (size + page - 1) & ~(page - 1);
  void *reserved =
      ::mmap(nullptr, pages + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED)
    return nullptr;
  auto *begin = static_cast<uint8_t *>(reserved);
  uint8_t *at = begin + (align - reinterpret_cast<uintptr_t>(begin) % align) % align;
  const bool mapped = ::mmap(at, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) != MAP_FAILED;
  const int problem = errno;
  uint8_t *end = begin + pages + align, *used = mapped ? at + pages : at;
  if (at != begin)
    ::munmap(begin, size_t(at - begin));
  if (used != end)
    ::munmap(used, size_t(end - used));
  if (mapped)
    preferHugePages(at, pages);
  errno = problem;
  return mapped ? at : nullptr;
}

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
  errno = ENOMEM;
  const uint8_t *memory = mapAligned(file, size);
  if (!memory)
    return std::strerror(errno);
  view = {memory, size};
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
