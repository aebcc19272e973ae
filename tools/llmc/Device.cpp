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

std::string DeviceRegistry::backends() const {
  std::string known;
  for (const auto &entry : factories)
    known += (known.empty() ? "" : ", ") + entry.first;
  return known;
}

std::unique_ptr<Device> DeviceRegistry::create(const rt::Plan &plan, const DeviceOptions &options,
                                               std::string &error) const {
  std::string asked;
  for (uint32_t t = 0; t < plan.nTargets(); ++t) {
    const llmc_target_info info = plan.target(t);
    const std::string backend(info.backend, info.backend_size);
    if (const auto found = factories.find(backend); found != factories.end())
      return found->second(plan, t, options, error);
    asked += (asked.empty() ? "'" : ", '") + backend + "'";
  }
  error = "the plan was compiled for " + asked +
          ", which this program cannot run; it runs: " + backends();
  return nullptr;
}

} // namespace llmc
