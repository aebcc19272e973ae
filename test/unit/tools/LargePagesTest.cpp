#include "tools/llmc/LargePages.h"

#include "catch2/catch.hpp"

#include <cstdint>
#include <fstream>
#include <sys/mman.h>

using namespace llmc;

TEST_CASE("large pages are counted of the mapping that is asked for") {
  if (!std::ifstream("/proc/self/smaps"))
    return; // Not every system says.
  constexpr size_t size = size_t(8) << 20;
  void *memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  CHECK(largePageBytes(memory) == 0u); // Nothing touched it.
  ::madvise(memory, size, MADV_HUGEPAGE);
  for (size_t i = 0; i < size; i += 4096)
    static_cast<volatile uint8_t *>(memory)[i] = 1;
  const auto bytes = largePageBytes(static_cast<uint8_t *>(memory) + size / 2);
  REQUIRE(bytes);
  CHECK(*bytes <= size);
  CHECK(*bytes % (size_t(2) << 20) == 0);
  ::munmap(memory, size);
  CHECK_FALSE(largePageBytes(nullptr));
}
