#include "tools/llmc/LargePages.h"

#include <fstream>
#include <istream>
#include <sstream>
#include <string>

namespace llmc {

/// Of memory of its own, of a file's, and of a file's in memory alone (tmpfs).
static bool countsLargePages(const std::string &field) {
  return field == "AnonHugePages:" || field == "FilePmdMapped:" || field == "ShmemPmdMapped:";
}

std::optional<uint64_t> largePageBytes(const void *from) {
  std::ifstream smaps("/proc/self/smaps");
  return largePageBytes(smaps, reinterpret_cast<uintptr_t>(from));
}

std::optional<uint64_t> largePageBytes(std::istream &smaps, uint64_t address) {
  bool isInside = false, isKnown = false;
  uint64_t kibibytes = 0;
  for (std::string line; std::getline(smaps, line);) {
    // "7f00-7f40 r--p ..." begins a mapping, "AnonHugePages:  2048 kB" is of the last one begun.
    std::istringstream words(line);
    uint64_t begin = 0, end = 0;
    char dash = 0;
    if (words >> std::hex >> begin >> dash >> end && dash == '-') {
      isInside = begin <= address && address < end;
      continue;
    }
    std::istringstream fields(line);
    std::string name;
    uint64_t size = 0;
    if (isInside && fields >> name >> size && countsLargePages(name)) {
      kibibytes += size;
      isKnown = true;
    }
  }
  return isKnown ? std::optional(kibibytes * 1024) : std::nullopt;
}

} // namespace llmc
