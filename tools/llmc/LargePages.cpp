#include "tools/llmc/LargePages.h"

#include <fstream>
#include <sstream>
#include <string>

namespace llmc {

std::optional<uint64_t> largePageBytes(const void *from) {
  std::ifstream maps("/proc/self/smaps");
  const auto address = reinterpret_cast<uintptr_t>(from);
  bool isInside = false, isKnown = false;
  uint64_t kibibytes = 0;
  for (std::string line; std::getline(maps, line);) {
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
    if (isInside && fields >> name >> size &&
        (name == "FilePmdMapped:" || name == "AnonHugePages:")) {
      kibibytes += size;
      isKnown = true;
    }
  }
  return isKnown ? std::optional(kibibytes * 1024) : std::nullopt;
}

} // namespace llmc
