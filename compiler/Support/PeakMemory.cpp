#include "compiler/Support/PeakMemory.h"

#include <fstream>
#include <string>

namespace llmc {

uint64_t peakRssBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:"))
      return std::stoull(line.substr(6)) * 1024;
  return 0;
}

} // namespace llmc
