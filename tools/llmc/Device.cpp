#include "tools/llmc/Device.h"

#include <algorithm>
#include <set>

namespace llmc {

namespace {

std::string backendOf(const rt::Plan &plan, uint32_t target) {
  const llmc_target_info info = plan.target(target);
  return std::string(info.backend, info.backend_size);
}

/// Devices that run one plan together. What only one of them counts says nothing of the whole.
class SeveralDevices : public Device {
public:
  explicit SeveralDevices(std::vector<std::unique_ptr<Device>> devices) : all(std::move(devices)) {}

  const llmc_device &table() const override { return all.front()->table(); }
  uint32_t target() const override { return all.front()->target(); }
  void bindTo(std::vector<const llmc_device *> &tables) const override {
    for (const auto &device : all)
      device->bindTo(tables);
  }
  std::string error() const override {
    std::string text;
    for (const auto &device : all)
      if (const std::string one = device->error(); !one.empty())
        text += (text.empty() ? "" : "; ") + one;
    return text;
  }
  std::string isa() const override {
    std::string names;
    for (const auto &device : all)
      names += (names.empty() ? "" : "+") + device->isa();
    return names;
  }
  uint32_t threads() const override {
    uint32_t most = 1;
    for (const auto &device : all)
      most = std::max(most, device->threads());
    return most;
  }
  std::optional<DeviceFigures> figures() const override { return std::nullopt; }
  void clearFigures() override {
    for (const auto &device : all)
      device->clearFigures();
  }
  double readBytesPerSecond() const override { return real().readBytesPerSecond(); }
  double int8OpsPerSecond() const override { return real().int8OpsPerSecond(); }
  double sustainedInt8OpsPerSecond(double seconds) const override {
    return real().sustainedInt8OpsPerSecond(seconds);
  }
  uint64_t lastLevelCacheBytes() const override { return real().lastLevelCacheBytes(); }

private:
  /// One that runs in the host's time.
  const Device &real() const {
    for (const auto &device : all)
      if (!device->figures())
        return *device;
    return *all.front();
  }

  std::vector<std::unique_ptr<Device>> all;
};

} // namespace

uint64_t DeviceFigures::offChipBytes() const {
  uint64_t bytes = 0;
  for (const Traffic &traffic : memories)
    bytes += traffic.offChip ? traffic.read + traffic.written : 0;
  return bytes;
}

void DeviceRegistry::add(const std::string &backend, Factory factory, bool takesOptions) {
  factories[backend] = {std::move(factory), takesOptions};
}

std::string DeviceRegistry::backends() const {
  std::string known;
  for (const auto &entry : factories)
    known += (known.empty() ? "" : ", ") + entry.first;
  return known;
}

std::vector<uint32_t> DeviceRegistry::targetsOf(const rt::Plan &plan) const {
  std::vector<uint32_t> targets;
  std::set<std::string> seen;
  for (uint32_t t = 0; t < plan.nTargets(); ++t)
    if (const std::string backend = backendOf(plan, t);
        runs(backend) && seen.insert(backend).second)
      targets.push_back(t);
  return targets;
}

bool DeviceRegistry::runsEntries(const rt::Plan &plan) const {
  uint32_t known = 0;
  for (uint32_t t = 0; t < plan.nTargets(); ++t)
    known |= uint32_t(runs(backendOf(plan, t))) << t;
  for (uint32_t e = 0; e < plan.nEntries(); ++e)
    if ((plan.entry(e).targetMask() & ~known) == 0)
      return true;
  return false;
}

std::unique_ptr<Device> DeviceRegistry::create(const rt::Plan &plan, const DeviceOptions &options,
                                               std::string &error) const {
  std::string unknown;
  std::set<std::string> seen;
  for (uint32_t t = 0; t < plan.nTargets(); ++t)
    if (const std::string backend = backendOf(plan, t);
        !runs(backend) && seen.insert(backend).second)
      unknown += (unknown.empty() ? "'" : ", '") + backend + "'";
  if (!unknown.empty() && !runsEntries(plan)) {
    error = "the plan was compiled for " + unknown +
            ", which this program cannot run; it runs: " + backends() +
            "; the device of another target comes with its plugin, --plugin=FILE";
    return nullptr;
  }
  const std::vector<uint32_t> targets = targetsOf(plan);
  const auto knownOf = [&](uint32_t target) -> const Known & {
    return factories.at(backendOf(plan, target));
  };
  const bool anyTakes =
      std::ranges::any_of(targets, [&](uint32_t t) { return knownOf(t).takesOptions; });
  std::vector<std::unique_ptr<Device>> devices;
  for (const uint32_t target : targets) {
    const Known &known = knownOf(target);
    const bool hasOptions = known.takesOptions || !anyTakes;
    devices.push_back(known.factory(plan, target, hasOptions ? options : DeviceOptions(), error));
    if (!devices.back())
      return nullptr;
  }
  if (devices.size() == 1)
    return std::move(devices.front());
  return std::make_unique<SeveralDevices>(std::move(devices));
}

} // namespace llmc
