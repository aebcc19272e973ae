// Bindings and figures; what runs in a dispatch is in Dispatch.cpp.
#include "targets/Rnpu/Simulator/Simulator.h"

#include "targets/Rnpu/Simulator/Dispatch.h"

#include <algorithm>
#include <bit>

namespace llmc::rnpu {

using namespace target;

static void add(Band &into, const Band &other) {
  into.low += other.low;
  into.nominal += other.nominal;
  into.high += other.high;
}

Band Result::totalEnergy() const {
  Band total = energy.total();
  add(total, staticEnergy);
  return total;
}

void Result::accumulate(const Result &later) {
  if (!fault)
    fault = later.fault;
  cycles += later.cycles;
  for (unsigned e = 0; e < kEngines; ++e) {
    engines[e].commands += later.engines[e].commands;
    engines[e].busy += later.engines[e].busy;
    engines[e].stall += later.engines[e].stall;
  }
  if (memories.empty())
    memories.resize(later.memories.size());
  for (size_t i = 0; i < memories.size() && i < later.memories.size(); ++i) {
    memories[i].memory = later.memories[i].memory;
    memories[i].read += later.memories[i].read;
    memories[i].written += later.memories[i].written;
  }
  counters.commands += later.counters.commands;
  counters.macsI8 += later.counters.macsI8;
  counters.macsF16 += later.counters.macsF16;
  counters.laneOps += later.counters.laneOps;
  counters.nonFinite += later.counters.nonFinite;
  counters.saturated += later.counters.saturated;
  energy += later.energy;
  add(staticEnergy, later.staticEnergy);
  sramPeak = std::max(sramPeak, later.sramPeak);
}

/// DMA addresses and strides keep the memory's alignment, and granules of it at most 16 bytes are
/// shared only where accesses overlap. Kernel operands keep that of their elements: 4 bytes.
static unsigned granuleShift(const Memory &memory) {
  if (memory.kind == MemoryKind::Sram)
    return 2;
  const uint32_t alignment = std::bit_floor(std::clamp(memory.alignment, 4u, 16u));
  return unsigned(std::countr_zero(alignment));
}

Simulator::Simulator(Machine machine) : description(std::move(machine)) {
  sram.resize(description.sram().bytes);
  shadows[unsigned(Space::Sram)].reset(sram.size(), granuleShift(description.sram()));
}

void Simulator::bind(const Bindings &bindings) {
  const rt::Span<uint8_t> spans[] = {bindings.weights, bindings.state, bindings.ids, bindings.io,
                                     bindings.scratch};
  for (unsigned s = 0; s < unsigned(Space::Sram); ++s) {
    const bool tracked = Space(s) != Space::Weights && Space(s) != Space::Ids;
    const bool same = spans[s].data == memories[s].data && spans[s].size == shadows[s].size();
    if (tracked && !same)
      shadows[s].reset(spans[s].size, granuleShift(memoryOf(description, Space(s))));
    memories[s] = spans[s];
  }
}

/// SRAM holds nothing at the start of a dispatch, and neither does Scratch.
void Simulator::startSram(uint64_t bytes) {
  memories[unsigned(Space::Sram)] = {sram.data(), bytes};
  shadows[unsigned(Space::Sram)].clearValid();
  shadows[unsigned(Space::Scratch)].clearValid();
  std::fill(sram.begin(), sram.begin() + std::ptrdiff_t(bytes), options.poison);
}

Result Simulator::dispatch(const Program &program, const Bindings &bindings,
                           rt::Span<const uint32_t> arguments) {
  bind(bindings);
  startSram(std::min<uint64_t>(program.sramBytes, sram.size()));
  return Dispatch(*this, program, arguments).run();
}

void Simulator::markStateValid(uint64_t offset, uint64_t bytes) {
  Shadow &shadow = shadows[unsigned(Space::State)];
  if (offset < shadow.size())
    shadow.setValid(offset, std::min(bytes, shadow.size() - offset));
}

void Simulator::resetState() { shadows[unsigned(Space::State)].clearValid(); }

} // namespace llmc::rnpu
