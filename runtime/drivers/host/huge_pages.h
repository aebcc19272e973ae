// Large pages where the system has them: a run through memory then misses fewer translations.
#ifndef LLMC_RUNTIME_DRIVERS_HOST_HUGE_PAGES_H
#define LLMC_RUNTIME_DRIVERS_HOST_HUGE_PAGES_H

#include <cstddef>
#include <cstdint>
#include <sys/mman.h>

namespace llmc::rt::host {

/// The large page of x86-64, and of others with pages of 4 KiB.
inline constexpr size_t hugePageBytes = size_t(1) << 21;

/// Asks for large pages in [from, from + size). Where the system has none, nothing changes.
inline void preferHugePages(void *from, size_t size) {
#if defined(MADV_HUGEPAGE)
  const size_t before =
      (hugePageBytes - reinterpret_cast<uintptr_t>(from) % hugePageBytes) % hugePageBytes;
  if (size >= before + hugePageBytes)
    ::madvise(static_cast<uint8_t *>(from) + before, size - before, MADV_HUGEPAGE);
#else
  (void)from, (void)size;
#endif
}

} // namespace llmc::rt::host

#endif
