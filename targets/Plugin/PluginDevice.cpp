// The device that a plugin opened.
#include "targets/Plugin/PluginTarget.h"

#include <fmt/format.h>

namespace llmc::target {

namespace {

/// llmc_device_figures has room for no more.
constexpr size_t mostMemories = std::size(llmc_device_figures{}.read_bytes);

class PluginDevice final : public TargetDevice {
public:
  PluginDevice(const llmc_opened_device &opened, const Machine &machine, const std::string &owner,
               PluginWatch &watch)
      : opened(opened), memories(machine.memories.size()), owner(owner), watch(watch),
        isaName(printable(opened.isa)) {}
  ~PluginDevice() override { opened.close(opened.handle); }

  const llmc_device &table() const override { return *opened.table; }
  std::string isa() const override { return isaName; }
  std::string error() const override {
    if (!opened.error)
      return {};
    TextSink text;
    callPlugin(watch, owner, "error of the device", [&] {
      opened.error(opened.handle, text.sink());
      return 1;
    });
    return printable(text.text());
  }
  std::optional<SimulationFigures> figures() const override;
  void clearFigures() override {
    if (opened.clear_figures)
      opened.clear_figures(opened.handle);
  }

private:
  const llmc_opened_device opened;
  const size_t memories;
  const std::string owner;
  PluginWatch &watch;
  const std::string isaName;
};

std::optional<SimulationFigures> PluginDevice::figures() const {
  if (!opened.figures)
    return std::nullopt;
  constexpr const char *function = "figures of the device";
  llmc_device_figures plain{};
  plain.struct_size = sizeof plain;
  plain.n_memories = uint32_t(memories);
  const int done =
      callPlugin(watch, owner, function, [&] { return opened.figures(opened.handle, &plain); });
  if (done != 1)
    raiseBroken(owner, function, fmt::format("returned {}, not 1", done));
  if (plain.n_memories != memories)
    raiseBroken(owner, function,
                fmt::format("has {} memories, the machine {}", plain.n_memories, memories));
  SimulationFigures figures;
  figures.cycles = plain.cycles;
  figures.sramPeakBytes = plain.sram_peak_bytes;
  for (size_t i = 0; i < memories; ++i)
    figures.memories.push_back({plain.read_bytes[i], plain.written_bytes[i]});
  std::copy(std::begin(plain.engine_busy_cycles), std::end(plain.engine_busy_cycles),
            figures.busyCycles.begin());
  figures.macsI8 = plain.macs_i8;
  figures.macsF16 = plain.macs_f16;
  figures.energy = {plain.energy_low, plain.energy_nominal, plain.energy_high};
  return figures;
}

/// What is wrong with it; empty where nothing is.
std::string problemOf(const llmc_opened_device &opened, const Machine &machine) {
  if (!opened.table)
    return "gives no device table";
  if (!opened.isa)
    return "gives no isa";
  if (!opened.close)
    return "gives no close";
  if (opened.figures && machine.memories.size() > mostMemories)
    return fmt::format("gives figures of a machine with {} memories, there is room for {}",
                       machine.memories.size(), mostMemories);
  const llmc_device &table = *opened.table;
  if (table.abi != LLMC_DEVICE_ABI || table.struct_size < LLMC_DEVICE_BYTES_1)
    return fmt::format("gives a device table of abi {} and {} bytes, the runtime has abi {} and "
                       "{} bytes",
                       table.abi, table.struct_size, LLMC_DEVICE_ABI, LLMC_DEVICE_BYTES_1);
  if (!table.match || !table.submit || !table.poll)
    return "gives a device table without match, submit or poll";
  return {};
}

} // namespace

std::unique_ptr<TargetDevice> pluginDevice(const llmc_opened_device &opened, const Machine &machine,
                                           const std::string &owner, PluginWatch &watch) {
  if (const std::string problem = problemOf(opened, machine); !problem.empty())
    raiseBroken(owner, "open_device", problem);
  return std::make_unique<PluginDevice>(opened, machine, owner, watch);
}

} // namespace llmc::target
