#include "targets/Plugin/ExportDevice.h"

#include <algorithm>

namespace llmc::target {

namespace {

struct Opened {
  std::unique_ptr<TargetDevice> device;
  std::string isa;
};

Opened &openedOf(void *handle) { return *static_cast<Opened *>(handle); }

int figures(void *handle, llmc_device_figures *to) {
  const SimulationFigures from = *openedOf(handle).device->figures();
  const size_t memories = std::min(from.memories.size(), std::size(to->read_bytes));
  to->n_memories = uint32_t(memories);
  to->cycles = from.cycles;
  to->sram_peak_bytes = from.sramPeakBytes;
  for (size_t i = 0; i < memories; ++i) {
    to->read_bytes[i] = from.memories[i].read;
    to->written_bytes[i] = from.memories[i].written;
  }
  std::copy(from.busyCycles.begin(), from.busyCycles.end(), to->engine_busy_cycles);
  to->macs_i8 = from.macsI8;
  to->macs_f16 = from.macsF16;
  to->energy_low = from.energy.low;
  to->energy_nominal = from.energy.nominal;
  to->energy_high = from.energy.high;
  return 1;
}

void clearFigures(void *handle) { openedOf(handle).device->clearFigures(); }

void error(void *handle, const llmc_sink *text) {
  const std::string message = openedOf(handle).device->error();
  text->write(text->ctx, message.data(), message.size());
}

void close(void *handle) { delete &openedOf(handle); }

} // namespace

void exportDevice(std::unique_ptr<TargetDevice> device, llmc_opened_device &to) {
  auto *opened = new Opened{std::move(device), {}};
  opened->isa = opened->device->isa();
  to.handle = opened;
  to.table = &opened->device->table();
  to.isa = opened->isa.c_str();
  if (opened->device->figures()) {
    to.figures = figures;
    to.clear_figures = clearFigures;
  }
  to.error = error;
  to.close = close;
}

} // namespace llmc::target
