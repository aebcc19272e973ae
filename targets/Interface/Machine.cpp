#include "targets/Interface/Machine.h"

#include <algorithm>

namespace llmc::target {

double Memory::effectiveReadRate() const {
  double rate = readBytesPerCycle * utilization;
  if (readLatency == 0)
    return rate;
  return std::min(rate, double(outstandingReads) * burstBytes / readLatency);
}

double Memory::effectiveWriteRate() const {
  double rate = writeBytesPerCycle * utilization;
  if (writeLatency == 0)
    return rate;
  return std::min(rate, double(outstandingWrites) * burstBytes / writeLatency);
}

const Memory *Machine::memory(const std::string &memoryName) const {
  for (const Memory &memory : memories)
    if (memory.name == memoryName)
      return &memory;
  return nullptr;
}

bool Machine::pagesWeights() const {
  return memory(placement.weights)->kind == MemoryKind::FlashPaged;
}

const Memory &Machine::constants() const {
  return *memory(pagesWeights() ? placement.state : placement.weights);
}

const Memory &Machine::sram() const {
  return *std::find_if(memories.begin(), memories.end(),
                       [](const Memory &memory) { return memory.kind == MemoryKind::Sram; });
}

} // namespace llmc::target
