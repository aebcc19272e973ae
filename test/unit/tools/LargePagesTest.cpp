#include "tools/llmc/LargePages.h"

#include "catch2/catch.hpp"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <sys/mman.h>

using namespace llmc;

/// In a process with four mappings, the last of which has no account.
static std::optional<uint64_t> largeAt(uint64_t address) {
  std::istringstream smaps(
      R"(7f0000000000-7f0000800000 r--p 00000000 08:01 42      /models/a plan.llmc
Size:               8192 kB
Rss:                8192 kB
AnonHugePages:         0 kB
ShmemPmdMapped:        0 kB
FilePmdMapped:         0 kB
VmFlags: rd mr mw me hg
7f0000800000-7f0001000000 r--p 00000000 08:01 43      /models/other.llmc
Rss:                8192 kB
AnonHugePages:         0 kB
ShmemPmdMapped:        0 kB
FilePmdMapped:      4096 kB
VmFlags: rd mr mw me hg
7f0001000000-7f0001800000 rw-p 00000000 00:05 44      /dev/shm/plan.llmc
AnonHugePages:      2048 kB
ShmemPmdMapped:     6144 kB
FilePmdMapped:         0 kB
VmFlags: rd wr mr mw me hg
7f0002000000-7f0002800000 rw-p 00000000 00:00 0
Rss:                8192 kB
)");
  return largePageBytes(smaps, address);
}

TEST_CASE("large pages are counted of the mapping that holds the address") {
  CHECK(largeAt(0x7f0000000000) == 0u);
  CHECK(largeAt(0x7f00007fffff) == 0u);
  CHECK(largeAt(0x7f0000800000) == 4096u * 1024); // An end is the next one's begin.
  CHECK(largeAt(0x7f0000ffffff) == 4096u * 1024);
}

TEST_CASE("large pages of memory, of files and of files in memory are counted") {
  CHECK(largeAt(0x7f0001000000) == (2048u + 6144u) * 1024);
}

TEST_CASE("large pages are not known where nothing says them") {
  CHECK_FALSE(largeAt(0));
  CHECK_FALSE(largeAt(0x7effffffffff));
  CHECK_FALSE(largeAt(0x7f0001800000)); // Between two mappings.
  CHECK_FALSE(largeAt(0x7f0002000000)); // The system does not say.
  CHECK_FALSE(largeAt(0x7f0002800000));
}

TEST_CASE("large pages of this process are found in the system's account") {
  std::ifstream smaps("/proc/self/smaps");
  const std::string text(std::istreambuf_iterator<char>(smaps), {});
  if (text.find("AnonHugePages:") == std::string::npos)
    return; // Not every system says.
  constexpr size_t size = size_t(8) << 20;
  void *memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  CHECK(largePageBytes(memory) == 0u); // Nothing touched it.
  ::munmap(memory, size);
  CHECK_FALSE(largePageBytes(nullptr));
}
