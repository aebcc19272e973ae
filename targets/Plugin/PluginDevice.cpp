// The device that a plugin opened.
#include "targets/Plugin/PluginTarget.h"

#include <exception>
#include <fmt/format.h>

namespace llmc::target {

namespace {

/// llmc_device_figures has room for no more.
constexpr size_t mostMemories = std::size(llmc_device_figures{}.read_bytes);

/// The functions of a plugin's device under the watch. One that throws has broken the device: all
/// that have a status fail from then on.
class WatchedTable {
public:
  WatchedTable(const llmc_device &from, const std::string &owner, PluginWatch &watch)
      : from(from), owner(owner), watch(watch) {
    table.struct_size = sizeof table;
    table.abi = LLMC_DEVICE_ABI;
    table.ctx = this;
    table.match = match;
    table.submit = submit;
    table.poll = poll;
    table.attach = from.attach ? attach : nullptr;
    table.load = from.load ? load : nullptr;
    table.dma = from.dma ? dma : nullptr;
    table.cancel = from.cancel ? cancel : nullptr;
    table.reset = from.reset ? reset : nullptr;
    table.clean = from.clean ? clean : nullptr;
    table.invalidate = from.invalidate ? invalidate : nullptr;
    table.remap = from.remap ? remap : nullptr;
  }
  WatchedTable(const WatchedTable &) = delete;
  WatchedTable &operator=(const WatchedTable &) = delete;

  const llmc_device &device() const { return table; }
  /// Throws where a function threw.
  void raiseThrown() const {
    if (!thrown.empty())
      throw PluginError(owner, thrower, thrown);
  }

private:
  static constexpr llmc_status broken{LLMC_DEVICE_FAULT, LLMC_AT_NOWHERE, 0};

  static llmc_status match(void *ctx, const llmc_target_info *target) noexcept {
    return ask(ctx, "match of the device", &llmc_device::match, target);
  }
  static llmc_status attach(void *ctx, const llmc_memory *regions, uint32_t count) noexcept {
    return ask(ctx, "attach of the device", &llmc_device::attach, regions, count);
  }
  static llmc_status load(void *ctx, uint32_t kernel, const void *code, size_t size) noexcept {
    return ask(ctx, "load of the device", &llmc_device::load, kernel, code, size);
  }
  static llmc_status submit(void *ctx, const llmc_dispatch *dispatch) noexcept {
    return ask(ctx, "submit of the device", &llmc_device::submit, dispatch);
  }
  static llmc_status dma(void *ctx, const llmc_dma_request *request) noexcept {
    return ask(ctx, "dma of the device", &llmc_device::dma, request);
  }
  static llmc_status poll(void *ctx, uint32_t queue, uint32_t tag) noexcept {
    return ask(ctx, "poll of the device", &llmc_device::poll, queue, tag);
  }
  static llmc_status cancel(void *ctx, uint32_t queue) noexcept {
    return ask(ctx, "cancel of the device", &llmc_device::cancel, queue);
  }
  static llmc_status reset(void *ctx) noexcept {
    return ask(ctx, "reset of the device", &llmc_device::reset);
  }
  static void clean(void *ctx, void *base, size_t size) noexcept {
    self(ctx).call("clean of the device", &llmc_device::clean, base, size);
  }
  static void invalidate(void *ctx, void *base, size_t size) noexcept {
    self(ctx).call("invalidate of the device", &llmc_device::invalidate, base, size);
  }
  static uint64_t remap(void *ctx, const void *address, uint16_t region) noexcept {
    return self(ctx).call("remap of the device", &llmc_device::remap, address, region);
  }

  static WatchedTable &self(void *ctx) { return *static_cast<WatchedTable *>(ctx); }

  template <typename Function, typename... Arguments>
  static llmc_status ask(void *ctx, std::string_view name, Function function,
                         Arguments... arguments) noexcept {
    WatchedTable &table = self(ctx);
    const llmc_status status =
        table.thrown.empty() ? table.call(name, function, arguments...) : broken;
    return table.thrown.empty() ? status : broken;
  }

  template <typename Result, typename... Parameters, typename... Arguments>
  Result call(std::string_view name, Result (*llmc_device::*function)(void *, Parameters...),
              Arguments... arguments) noexcept {
    std::string what;
    try {
      const Watched watched(watch, owner, name);
      return (from.*function)(from.ctx, arguments...);
    } catch (const std::exception &error) {
      what = ": " + printable(error.what());
    } catch (...) {
    }
    thrown = "threw a C++ exception" + what;
    thrower = name;
    return Result();
  }

  const llmc_device &from;
  const std::string &owner;
  PluginWatch &watch;
  llmc_device table{};
  std::string thrower, thrown; ///< A function and what it did; empty where none threw.
};

class PluginDevice final : public TargetDevice {
public:
  PluginDevice(const llmc_opened_device &opened, const Machine &machine, const std::string &owner,
               PluginWatch &watch)
      : opened(opened), memories(machine.memories.size()), owner(owner), watch(watch),
        isaName(printable(opened.isa)), functions(*opened.table, this->owner, watch) {}
  ~PluginDevice() override {
    try {
      close();
    } catch (const PluginError &broken) {
      if (std::uncaught_exceptions() == 0) // else the first is told
        watch.end(broken);
    }
  }

  const llmc_device &table() const override { return functions.device(); }
  std::string isa() const override { return isaName; }
  std::string error() const override {
    functions.raiseThrown();
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
    if (!opened.clear_figures)
      return;
    callPlugin(watch, owner, "clear_figures of the device", [&] {
      opened.clear_figures(opened.handle);
      return 1;
    });
  }

private:
  void close() const {
    callPlugin(watch, owner, "close of the device", [&] {
      opened.close(opened.handle);
      return 1;
    });
  }

  const llmc_opened_device opened;
  const size_t memories;
  const std::string owner;
  PluginWatch &watch;
  const std::string isaName;
  WatchedTable functions;
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
    throw PluginError(owner, function, fmt::format("returned {}, not 1", done));
  if (plain.n_memories != memories)
    throw PluginError(owner, function,
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
    throw PluginError(owner, "open_device", problem);
  return std::make_unique<PluginDevice>(opened, machine, owner, watch);
}

} // namespace llmc::target
