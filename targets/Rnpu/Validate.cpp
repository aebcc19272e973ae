// Checks of a whole program: headers, waits, addresses and DMA. Kernels are checked in
// ValidateKernel.cpp.
#include "targets/Rnpu/Validate.h"

#include "targets/Rnpu/ValidateInternal.h"

#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

std::optional<std::string> CommandRules::address(const Address &a, std::string_view what,
                                                 Wide *worstCase) const {
  if (unsigned(a.space) >= kSpaces)
    return fmt::format("{}: unknown space {}", what, unsigned(a.space));
  if (a.argument < 0 && (a.argument != -1 || a.argumentStride != 0))
    return fmt::format("{}: a stride of {} without an argument", what, a.argumentStride);
  if (a.argument >= 0 && uint32_t(a.argument) >= program.arguments)
    return fmt::format("{}: argument {} does not exist, the program has {}", what, a.argument,
                       program.arguments);
  if (!inBody && a.tripStride != 0)
    return fmt::format("{}: a trip stride outside the body", what);
  Wide end = Wide(a.offset) + Wide(a.tripStride) * (program.trips ? program.trips - 1 : 0);
  if (a.argument >= 0)
    end += Wide(a.argumentStride) * program.argumentMax[size_t(a.argument)];
  if (end >= addressLimit)
    return fmt::format("{}: the address reaches 2^48 or more", what);
  *worstCase = end;
  return std::nullopt;
}

std::optional<std::string> CommandRules::extent(const Extent &e, uint32_t unit,
                                                std::string_view what) const {
  if (e.argument < -1 || e.argument >= int32_t(program.arguments))
    return fmt::format("{}: argument {} does not exist, the program has {}", what, e.argument,
                       program.arguments);
  if (e.argument < 0)
    return std::nullopt;
  uint64_t reached = uint64_t(program.argumentMax[size_t(e.argument)]) * unit;
  if (reached > e.value)
    return fmt::format("{}: its maximum {} is below the {} that argument {} can make it", what,
                       e.value, reached, e.argument);
  return std::nullopt;
}

std::optional<std::string> CommandRules::sramEnd(Wide end, std::string_view what) const {
  if (end > program.sramBytes)
    return fmt::format("{}: reaches SRAM address {}, the program states {}", what,
                       end < addressLimit ? std::to_string(uint64_t(end)) : ">= 2^48",
                       program.sramBytes);
  return std::nullopt;
}

namespace {

/// One end of a copy: the address one past the last byte touched, or 0 where nothing is.
Wide touchedEnd(Wide base, const Dma &dma, const uint64_t (&strides)[2], bool gathered) {
  Wide rows = gathered ? dma.gatherBound : dma.counts[0].value;
  if (!dma.run.value || !rows || !dma.counts[0].value || !dma.counts[1].value)
    return 0;
  return base + (rows - 1) * strides[0] + Wide(dma.counts[1].value - 1) * strides[1] +
         dma.run.value;
}

std::optional<std::string> checkGather(const CommandRules &rules, Engine engine, const Dma &dma) {
  Wide end = 0;
  if (!dma.gather) {
    if (dma.ids != Address{} || dma.gatherBound != 0)
      return "ids or a bound without gather";
    return std::nullopt;
  }
  if (engine != Engine::Load)
    return "only load gathers";
  if (dma.ids.space != Space::Ids)
    return fmt::format("ids: must lie in space ids, not {}", nameOf(dma.ids.space));
  if (dma.ids.offset % 4 || dma.ids.argumentStride % 4 || dma.ids.tripStride % 4)
    return "ids: not a multiple of 4";
  if (dma.gatherBound == 0)
    return "gather needs a bound above 0";
  return rules.address(dma.ids, "ids", &end);
}

std::optional<std::string> checkSpaces(Engine engine, const Dma &dma) {
  bool load = engine == Engine::Load;
  const Address &onChip = load ? dma.destination : dma.source;
  const Address &offChip = load ? dma.source : dma.destination;
  if (onChip.space != Space::Sram)
    return fmt::format("{}: must lie in sram, not {}", load ? "destination" : "source",
                       nameOf(onChip.space));
  bool writable = offChip.space == Space::State || offChip.space == Space::Io ||
                  offChip.space == Space::Scratch;
  if (offChip.space == Space::Sram || (!load && !writable))
    return fmt::format("{}: {} cannot {} {}", load ? "source" : "destination", nameOf(engine),
                       load ? "read" : "write", nameOf(offChip.space));
  return std::nullopt;
}

} // namespace

std::optional<std::string> CommandRules::dma(Engine engine, const Dma &dma) const {
  Wide source = 0, destination = 0;
  if (auto e = address(dma.source, "source", &source))
    return e;
  if (auto e = address(dma.destination, "destination", &destination))
    return e;
  if (auto e = checkSpaces(engine, dma))
    return e;
  if (auto e = extent(dma.run, dma.runUnit, "run"))
    return e;
  if (dma.run.argument < 0 && dma.runUnit != 1)
    return "run: a unit without an argument";
  for (int i = 0; i < 2; ++i)
    if (auto e = extent(dma.counts[i], 1, i == 0 ? "count 0" : "count 1"))
      return e;
  if (auto e = checkGather(*this, engine, dma))
    return e;
  Wide sourceEnd = touchedEnd(source, dma, dma.sourceStrides, dma.gather);
  Wide destinationEnd = touchedEnd(destination, dma, dma.destinationStrides, false);
  if (sourceEnd > addressLimit || destinationEnd > addressLimit)
    return "the copy reaches 2^48 or more";
  return engine == Engine::Load ? sramEnd(destinationEnd, "destination")
                                : sramEnd(sourceEnd, "source");
}

std::optional<std::string> CommandRules::waits(const Command &command) const {
  if (command.waits.size() > 3)
    return fmt::format("{} waits, at most 3 are possible", command.waits.size());
  unsigned seen = 1u << unsigned(command.engine);
  for (const Wait &wait : command.waits) {
    if (unsigned(wait.engine) >= kEngines)
      return fmt::format("wait for unknown engine {}", unsigned(wait.engine));
    if (seen >> unsigned(wait.engine) & 1)
      return fmt::format("wait for {}: its own engine, or a second wait for it",
                         nameOf(wait.engine));
    seen |= 1u << unsigned(wait.engine);
    if (!inBody && wait.perTrip != 0)
      return fmt::format("wait for {}: grows per trip outside the body", nameOf(wait.engine));
  }
  return std::nullopt;
}

std::optional<std::string> CommandRules::command(const Command &command) const {
  if (unsigned(command.engine) >= kEngines)
    return fmt::format("unknown engine {}", unsigned(command.engine));
  size_t expected = command.engine == Engine::Tensor ? 1 : command.engine == Engine::Vector ? 2 : 0;
  if (command.work.index() != expected)
    return fmt::format("{} cannot run this kind of work", nameOf(command.engine));
  if (!isName(command.name))
    return "the name holds a character that is not printable ASCII, '\"' or '\\'";
  if (auto e = waits(command))
    return e;
  if (expected == 0)
    return dma(command.engine, std::get<Dma>(command.work));
  if (expected == 1)
    return matmul(std::get<MatmulCommand>(command.work));
  return chain(std::get<ChainCommand>(command.work));
}

bool isName(std::string_view text) {
  for (char c : text)
    if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
      return false;
  return text.size() <= maxNameLength;
}

namespace {

std::optional<std::string> checkHeader(const Program &program) {
  if (!isName(program.entry))
    return "the entry's name holds a character that is not printable ASCII, '\"' or '\\'";
  if (program.arguments > maxArguments)
    return fmt::format("{} arguments, at most {} are possible", program.arguments, maxArguments);
  if (program.argumentMax.size() != program.arguments)
    return fmt::format("{} argument maxima for {} arguments", program.argumentMax.size(),
                       program.arguments);
  if ((program.trips != 0) != !program.body.commands.empty())
    return program.trips ? "trips without a body" : "a body without trips";
  if (program.sramBytes >= addressLimit)
    return "sram: 2^48 bytes or more";
  return std::nullopt;
}

} // namespace

std::optional<std::string> validate(const Program &program) {
  if (auto e = checkHeader(program))
    return e;
  const Section *sections[] = {&program.prologue, &program.body, &program.epilogue};
  for (int part = 0; part < 3; ++part) {
    CommandRules rules{program, part == 1};
    for (size_t i = 0; i < sections[part]->commands.size(); ++i) {
      const Command &command = sections[part]->commands[i];
      if (auto e = rules.command(command)) {
        std::string_view engine =
            unsigned(command.engine) < kEngines ? nameOf(command.engine) : "unknown engine";
        return fmt::format("{} command {} ({}, id {}): {}", partNames[part], i, engine, command.id,
                           *e);
      }
    }
  }
  return std::nullopt;
}

} // namespace llmc::rnpu
