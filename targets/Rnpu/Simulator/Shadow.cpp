// Valid bytes and vector-clock races, in bulk over runs.
#include "targets/Rnpu/Simulator/Shadow.h"

#include <algorithm>
#include <bit>

namespace llmc::rnpu {

using target::Engine;
using target::kEngines;

void Shadow::reset(uint64_t newBytes, unsigned newShift) {
  bytes = newBytes;
  shift = newShift;
  valid.assign((bytes + 63) / 64, 0);
  const uint64_t granules = (bytes + (uint64_t(1) << shift) - 1) >> shift;
  writer.assign(granules, 0);
  for (std::vector<uint32_t> &reader : readers)
    reader.assign(granules, 0);
}

void Shadow::clearValid() { std::fill(valid.begin(), valid.end(), 0); }

void Shadow::forgetAccesses() {
  std::fill(writer.begin(), writer.end(), 0);
  for (std::vector<uint32_t> &reader : readers)
    std::fill(reader.begin(), reader.end(), 0);
}

/// Bits [from, to) of a word, to <= 64, from < to.
static uint64_t maskOf(uint64_t from, uint64_t to) {
  return (~uint64_t(0) >> (64 - (to - from))) << from;
}

void Shadow::setValid(uint64_t start, uint64_t count) {
  const uint64_t end = start + count;
  while (start < end) {
    const uint64_t word = start / 64, stop = std::min(end, (word + 1) * 64);
    valid[word] |= maskOf(start % 64, stop - word * 64);
    start = stop;
  }
}

uint64_t Shadow::firstInvalid(uint64_t start, uint64_t count) const {
  const uint64_t end = start + count;
  while (start < end) {
    const uint64_t word = start / 64, stop = std::min(end, (word + 1) * 64);
    const uint64_t holes = ~valid[word] & maskOf(start % 64, stop - word * 64);
    if (holes)
      return word * 64 + static_cast<uint64_t>(std::countr_zero(holes));
    start = stop;
  }
  return end;
}

bool Shadow::findWriter(uint64_t first, uint64_t last, const Clock &clock,
                        Conflict &conflict) const {
  // A run mostly has one writer.
  const uint32_t sample = writer[first];
  uint32_t different = 0;
  for (uint64_t g = first; g < last; ++g)
    different |= writer[g] ^ sample;
  const uint64_t end = different == 0 ? first + 1 : last;
  for (uint64_t g = first; g < end; ++g) {
    const uint32_t packed = writer[g];
    if ((packed >> 2) <= clock[packed & 3])
      continue;
    conflict = {g << shift, static_cast<Engine>(packed & 3), packed >> 2, true};
    return true;
  }
  return false;
}

bool Shadow::findReader(uint64_t first, uint64_t last, const Clock &clock,
                        Conflict &conflict) const {
  for (unsigned e = 0; e < kEngines; ++e) {
    const uint32_t *epochs = readers[e].data();
    uint32_t latest = 0;
    for (uint64_t g = first; g < last; ++g)
      latest = std::max(latest, epochs[g]);
    if (latest <= clock[e])
      continue;
    const uint64_t g =
        static_cast<uint64_t>(std::find(epochs + first, epochs + last, latest) - epochs);
    conflict = {g << shift, static_cast<Engine>(e), latest, false};
    return true;
  }
  return false;
}

bool Shadow::read(uint64_t start, uint64_t count, Engine engine, const Clock &clock,
                  Conflict &conflict) {
  const uint64_t first = start >> shift, last = ((start + count - 1) >> shift) + 1;
  if (findWriter(first, last, clock, conflict))
    return false;
  const auto e = static_cast<unsigned>(engine);
  std::fill(readers[e].data() + first, readers[e].data() + last, clock[e]);
  return true;
}

bool Shadow::write(uint64_t start, uint64_t count, Engine engine, const Clock &clock,
                   Conflict &conflict) {
  const uint64_t first = start >> shift, last = ((start + count - 1) >> shift) + 1;
  if (findWriter(first, last, clock, conflict) || findReader(first, last, clock, conflict))
    return false;
  const auto e = static_cast<unsigned>(engine);
  std::fill(writer.data() + first, writer.data() + last, clock[e] << 2 | e);
  for (std::vector<uint32_t> &reader : readers)
    std::fill(reader.data() + first, reader.data() + last, 0);
  return true;
}

} // namespace llmc::rnpu
