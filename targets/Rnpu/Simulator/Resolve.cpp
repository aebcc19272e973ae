// Arguments, addresses and DMA.
#include "targets/Rnpu/Simulator/Resolve.h"

#include "targets/Rnpu/Names.h"
#include "targets/Rnpu/Timing.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

bool Reporter::fail(FaultKind kind, const std::string &text, Space space, uint64_t address,
                    uint64_t limit) {
  if (first)
    return false;
  Fault fault{kind,          entry, instance.engine, instance.index, 0,
              instance.trip, space, address,         limit,          ""};
  if (!instance.command) {
    fault.message = fmt::format("entry '{}': {}: {}", entry, nameOf(kind), text);
  } else {
    fault.id = instance.command->id;
    fault.message = fmt::format("entry '{}', {} command {} (trip {}, id {}, '{}'): {}: {}", entry,
                                nameOf(instance.engine), instance.index, instance.trip, fault.id,
                                instance.command->name, nameOf(kind), text);
  }
  first = std::move(fault);
  return false;
}

bool Resolver::extent(const Extent &extent, uint32_t unit, const char *what, uint64_t &out) {
  out = extent.value;
  if (extent.argument < 0)
    return true;
  if (size_t(extent.argument) >= arguments.size)
    return reporter.fail(FaultKind::BadProgram, fmt::format("{} reads argument {} of {}", what,
                                                            extent.argument, arguments.size));
  out = uint64_t(arguments[extent.argument]) * unit;
  if (out > extent.value)
    return reporter.fail(FaultKind::Argument,
                         fmt::format("{} is {} from argument {}, its maximum is {}", what, out,
                                     extent.argument, extent.value),
                         Space::Sram, out, extent.value);
  return true;
}

bool Resolver::address(const Address &address, const char *what, uint64_t &out) {
  if (unsigned(address.space) >= kSpaces)
    return reporter.fail(FaultKind::BadProgram, fmt::format("{}: unknown space", what));
  out = saturatingMad(instance.trip, address.tripStride, address.offset);
  if (address.argument < 0)
    return true;
  if (size_t(address.argument) >= arguments.size)
    return reporter.fail(FaultKind::BadProgram, fmt::format("{} reads argument {} of {}", what,
                                                            address.argument, arguments.size));
  out = saturatingMad(arguments[address.argument], address.argumentStride, out);
  return true;
}

/// Bounds, permission and alignment of an access; `alignment` holds for its start.
bool Resolver::add(const Operand *operand, const Access &access, bool write, uint64_t alignment,
                   Resolved &out) {
  if (access.empty())
    return true;
  const uint64_t size = memories[unsigned(access.space)].size, end = access.end();
  if (end > size)
    return reporter.fail(FaultKind::OutOfBounds,
                         fmt::format("{} of {} [{}, {}) leaves its {} bytes",
                                     write ? "write" : "read", nameOf(access.space), access.start,
                                     end, size),
                         access.space, access.start, size);
  if (operand && end - access.start > operand->bytes)
    return reporter.fail(FaultKind::OutOfBounds,
                         fmt::format("operand {} touches {} bytes from sram {} on, it declares {}",
                                     access.operand, end - access.start, access.start,
                                     operand->bytes),
                         access.space, access.start, access.start + operand->bytes);
  if (write && (access.space == Space::Weights || access.space == Space::Ids))
    return reporter.fail(FaultKind::ReadOnly,
                         fmt::format("{} [{}, {})", nameOf(access.space), access.start, end),
                         access.space, access.start);
  if (alignment > 1 && access.start % alignment)
    return reporter.fail(FaultKind::Misaligned,
                         fmt::format("{} address {} is not a multiple of {}", nameOf(access.space),
                                     access.start, alignment),
                         access.space, access.start, alignment);
  if (write && !access.runsAreDisjoint())
    return reporter.fail(FaultKind::Shape,
                         fmt::format("written rows of operand {} overlap", access.operand),
                         access.space, access.start);
  (write ? out.writes : out.reads).push_back(access);
  return true;
}

bool Resolver::gatherReads(const Dma &dma, Resolved &out) {
  uint64_t ids = 0;
  if (instance.engine != Engine::Load)
    return reporter.fail(FaultKind::Shape, "only the load engine gathers");
  if (dma.ids.space != Space::Ids)
    return reporter.fail(FaultKind::Shape, "gather ids must lie in the ids space");
  if (!address(dma.ids, "ids", ids) ||
      !add(nullptr, {Space::Ids, ids, 4 * out.counts[0], {1, 1}, {0, 0}, 0}, false, 4, out))
    return false;
  const uint64_t alignment = memoryOf(machine, dma.source.space).alignment;
  for (uint64_t i = 0; i < out.counts[0] && out.run > 0; ++i) {
    int32_t id = 0;
    std::memcpy(&id, memories[unsigned(Space::Ids)].data + ids + 4 * i, 4);
    if (id < 0 || uint32_t(id) >= dma.gatherBound)
      return reporter.fail(
          FaultKind::Gather,
          fmt::format("id {} at position {} is not in [0, {})", id, i, dma.gatherBound), Space::Ids,
          ids + 4 * i, dma.gatherBound);
    const uint64_t row = saturatingMad(uint32_t(id), dma.sourceStrides[0], out.addresses[0]);
    const Access access{dma.source.space,          row, out.run, {1, out.counts[1]},
                        {0, dma.sourceStrides[1]}, 0};
    if (!add(nullptr, access, false, alignment, out))
      return false;
  }
  return true;
}

/// Load goes from an off-chip space to SRAM, Store from SRAM to an off-chip space.
static bool directionFits(Engine engine, const Dma &dma) {
  const Space onChip = engine == Engine::Load ? dma.destination.space : dma.source.space;
  const Space offChip = engine == Engine::Load ? dma.source.space : dma.destination.space;
  return onChip == Space::Sram && offChip != Space::Sram;
}

static bool stridesAligned(const uint64_t counts[2], const uint64_t strides[2],
                           uint64_t alignment) {
  return (counts[0] <= 1 || strides[0] % alignment == 0) &&
         (counts[1] <= 1 || strides[1] % alignment == 0);
}

bool Resolver::resolve(const Dma &dma, Resolved &out) {
  out.addresses.resize(2);
  if (!address(dma.source, "source", out.addresses[0]) ||
      !address(dma.destination, "destination", out.addresses[1]) ||
      !extent(dma.run, dma.runUnit, "run", out.run) ||
      !extent(dma.counts[0], 1, "count 0", out.counts[0]) ||
      !extent(dma.counts[1], 1, "count 1", out.counts[1]))
    return false;
  if (!directionFits(instance.engine, dma))
    return reporter.fail(FaultKind::Shape,
                         fmt::format("the {} engine does not copy from {} to {}",
                                     nameOf(instance.engine), nameOf(dma.source.space),
                                     nameOf(dma.destination.space)));
  const uint64_t from = memoryOf(machine, dma.source.space).alignment;
  const uint64_t to = memoryOf(machine, dma.destination.space).alignment;
  if (!stridesAligned(out.counts, dma.sourceStrides, from) ||
      !stridesAligned(out.counts, dma.destinationStrides, to))
    return reporter.fail(FaultKind::Misaligned, "a stride is not a multiple of its memory's "
                                                "alignment");
  Access read{dma.source.space,
              out.addresses[0],
              out.run,
              {out.counts[0], out.counts[1]},
              {dma.sourceStrides[0], dma.sourceStrides[1]},
              0};
  Access write{dma.destination.space,
               out.addresses[1],
               out.run,
               {out.counts[0], out.counts[1]},
               {dma.destinationStrides[0], dma.destinationStrides[1]},
               1};
  if (!add(nullptr, write, true, to, out))
    return false;
  return dma.gather ? gatherReads(dma, out) : add(nullptr, read, false, from, out);
}

bool Resolver::resolve(const Instance &next, Resolved &out) {
  instance = next;
  out.reads.clear();
  out.writes.clear();
  out.addresses.clear();
  const auto &work = next.command->work;
  if (next.engine == Engine::Load || next.engine == Engine::Store) {
    if (const auto *dma = std::get_if<Dma>(&work))
      return resolve(*dma, out);
  } else if (next.engine == Engine::Tensor) {
    if (const auto *matmul = std::get_if<MatmulCommand>(&work))
      return resolve(*matmul, out);
  } else if (const auto *chain = std::get_if<ChainCommand>(&work)) {
    return resolve(*chain, out);
  }
  return reporter.fail(FaultKind::BadProgram, "the engine does not run this kind of command");
}

} // namespace llmc::rnpu
