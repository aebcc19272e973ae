#include "tools/llmc/Device.h"

namespace llmc {

uint64_t DeviceFigures::offChipBytes() const {
  uint64_t bytes = 0;
  for (const Traffic &traffic : memories)
    bytes += traffic.offChip ? traffic.read + traffic.written : 0;
  return bytes;
}

void DeviceRegistry::add(const std::string &backend, Factory factory) {
  factories[backend] = std::move(factory);
}

std::unique_ptr<Device> DeviceRegistry::create(const std::string &backend,
                                               const std::string &machine,
                                               std::string &error) const {
  if (const auto found = factories.find(backend); found != factories.end())
    return found->second(machine, error);
  std::string known;
  for (const auto &entry : factories)
    known += (known.empty() ? "" : ", ") + entry.first;
  error = "the plan was compiled for '" + backend +
          "', which this program cannot run; it runs: " + known;
  return nullptr;
}

} // namespace llmc
