#include "tools/llmc/Interference.h"

#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace llmc {

ThreadDelays::ThreadDelays() {
  std::error_code none;
  for (const auto &thread : std::filesystem::directory_iterator("/proc/self/task", none))
    if (const int file = ::open((thread.path() / "schedstat").c_str(), O_RDONLY | O_CLOEXEC);
        file >= 0)
      files.push_back(file);
}

ThreadDelays::~ThreadDelays() {
  for (const int file : files)
    ::close(file);
}

std::optional<double> ThreadDelays::seconds() const {
  double sum = 0;
  for (const int file : files) { // "run wait slices", nanoseconds.
    char text[100] = {};
    unsigned long long run = 0, wait = 0;
    if (::pread(file, text, sizeof(text) - 1, 0) <= 0 ||
        std::sscanf(text, "%llu %llu", &run, &wait) != 2 || run == 0)
      return std::nullopt;
    sum += double(wait) * 1e-9;
  }
  return files.empty() ? std::nullopt : std::optional(sum);
}

std::optional<double> stolenSeconds() {
  // "cpu user nice system idle iowait irq softirq steal ..."
  std::ifstream file("/proc/stat");
  std::string name;
  uint64_t ticks[8] = {};
  file >> name;
  for (uint64_t &tick : ticks)
    file >> tick;
  const long perSecond = ::sysconf(_SC_CLK_TCK);
  if (!file || name != "cpu" || perSecond <= 0)
    return std::nullopt;
  return double(ticks[7]) / double(perSecond);
}

} // namespace llmc
