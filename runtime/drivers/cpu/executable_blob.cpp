#include "runtime/drivers/cpu/executable_blob.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace llmc::rt::cpu {

std::unique_ptr<const ExecutableBlob> ExecutableBlob::create(Span<const uint8_t> code,
                                                             size_t alignment, std::string &error) {
  const auto fail = [&](const std::string &what) {
    error = std::to_string(code.size) + " bytes of kernel code: " + what + " (" +
            std::strerror(errno) + ")";
    return nullptr;
  };
  const size_t page = size_t(::sysconf(_SC_PAGESIZE));
  const size_t align = std::max(alignment, page);
  const size_t pages = (std::max<size_t>(code.size, 1) + page - 1) / page * page;
  if (pages < code.size || pages > SIZE_MAX - align) {
    errno = ENOMEM;
    return fail("more than there are addresses");
  }
  // Addresses first, memory only where the code stands: what alignment leaves over is inaccessible.
  std::unique_ptr<ExecutableBlob> blob(new ExecutableBlob);
  void *reserved =
      ::mmap(nullptr, pages + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED)
    return fail("the host has not that much memory");
  blob->mapping = reserved;
  blob->mappedBytes = pages + align;
  const uintptr_t start =
      (reinterpret_cast<uintptr_t>(reserved) + align - 1) & ~(uintptr_t(align) - 1);
  auto *base = reinterpret_cast<uint8_t *>(start);
  if (::mprotect(base, pages, PROT_READ | PROT_WRITE) != 0)
    return fail("the host has not that much memory");
  if (!code.empty())
    std::memcpy(base, code.data, code.size);
  if (::mprotect(base, pages, PROT_READ | PROT_EXEC) != 0)
    return fail("the system refuses to make memory executable; a policy may forbid it");
  // Nothing on x86-64; other CPUs fetch instructions through a cache that has not seen the copy.
  __builtin___clear_cache(reinterpret_cast<char *>(base), reinterpret_cast<char *>(base + pages));
  blob->bytes = {base, code.size};
  return blob;
}

ExecutableBlob::~ExecutableBlob() {
  if (mapping)
    ::munmap(mapping, mappedBytes);
}

} // namespace llmc::rt::cpu
