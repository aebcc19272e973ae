// A read-only memory-mapped file.
#include "compiler/Support/MappedFile.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmc {

static std::string describe(const std::string &path, const char *reason) {
  return "cannot read '" + path + "': " + reason;
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::string &path, std::string &error) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    error = describe(path, std::strerror(errno));
    return nullptr;
  }
  struct stat status = {};
  const char *problem = nullptr;
  void *memory = nullptr;
  if (::fstat(file, &status) != 0)
    problem = std::strerror(errno);
  else if (!S_ISREG(status.st_mode))
    problem = "it is not a regular file";
  else if (status.st_size > 0) {
    memory = ::mmap(nullptr, size_t(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED)
      problem = std::strerror(errno);
  }
  ::close(file);
  if (problem) {
    error = describe(path, problem);
    return nullptr;
  }
  return std::shared_ptr<const MappedFile>(
      new MappedFile(path, static_cast<const char *>(memory), size_t(status.st_size)));
}

void MappedFile::dropPages(std::span<const char> range) const {
  if (range.empty() || range.data() < data || range.data() + range.size() > data + size)
    return;
  const auto page = size_t(::sysconf(_SC_PAGESIZE));
  size_t begin = size_t(range.data() - data) / page * page;
  size_t end = size_t(range.data() - data) + range.size();
  // The mapping is private and never written, so its pages are those of the file.
  ::madvise(const_cast<char *>(data) + begin, end - begin, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (size > 0)
    ::munmap(const_cast<char *>(data), size);
}

} // namespace llmc
