// The judge and the costs.
#include "targets/Rnpu/Simulator/Dispatch.h"

#include "targets/Rnpu/Names.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::rnpu {

using namespace target;

Dispatch::Dispatch(Simulator &simulator, const Program &program, rt::Span<const uint32_t> arguments)
    : simulator(simulator), program(program), arguments(arguments), reporter(program.entry),
      resolver(simulator.description, program, arguments, simulator.memories, reporter),
      random(simulator.options.chaosSeed.value_or(0)) {
  for (const Memory &memory : simulator.description.memories)
    result.memories.push_back({memory.name, 0, 0});
}

bool Dispatch::checkCommand(const Command &command, const char *section) {
  if (unsigned(command.engine) >= kEngines)
    return reporter.fail(FaultKind::BadProgram, fmt::format("{}: a command for engine {}", section,
                                                            unsigned(command.engine)));
  for (const Wait &wait : command.waits)
    if (unsigned(wait.engine) >= kEngines || wait.engine == command.engine)
      return reporter.fail(FaultKind::BadProgram,
                           fmt::format("{}: {} command id {} waits for engine {}", section,
                                       nameOf(command.engine), command.id, unsigned(wait.engine)));
  return true;
}

bool Dispatch::checkProgram() {
  if (arguments.size != program.arguments || program.argumentMax.size() != program.arguments)
    return reporter.fail(FaultKind::BadBinding,
                         fmt::format("{} arguments given, the program has {} and {} maxima",
                                     arguments.size, program.arguments,
                                     program.argumentMax.size()));
  for (size_t i = 0; i < arguments.size; ++i)
    if (arguments[i] > program.argumentMax[i])
      return reporter.fail(FaultKind::Argument,
                           fmt::format("argument {} is {}, its maximum is {}", i, arguments[i],
                                       program.argumentMax[i]),
                           Space::Sram, arguments[i], program.argumentMax[i]);
  if (program.sramBytes > simulator.sram.size())
    return reporter.fail(FaultKind::OutOfBounds,
                         fmt::format("the program uses {} bytes of sram, the machine has {}",
                                     program.sramBytes, simulator.sram.size()),
                         Space::Sram, program.sramBytes, simulator.sram.size());
  const std::pair<const Section *, const char *> sections[] = {
      {&program.prologue, "prologue"}, {&program.body, "body"}, {&program.epilogue, "epilogue"}};
  for (const auto &[section, name] : sections)
    for (const Command &command : section->commands)
      if (!checkCommand(command, name))
        return false;
  return makeRoomForEpochs();
}

/// Command numbers grow over the simulator's life; before they would wrap, everybody forgets.
bool Dispatch::makeRoomForEpochs() {
  bool full = false;
  for (unsigned e = 0; e < kEngines; ++e) {
    const uint64_t commands = EngineList(program, Engine(e)).size();
    if (commands > maxCommands)
      return reporter.fail(FaultKind::BadProgram,
                           fmt::format("{} runs {} commands, the limit is {}", nameOf(Engine(e)),
                                       commands, maxCommands));
    full |= simulator.base[e] + commands >= maxEpoch;
  }
  if (full) {
    for (Shadow &shadow : simulator.shadows)
      shadow.forgetAccesses();
    simulator.base = {};
  }
  return true;
}

Result Dispatch::run() {
  if (checkProgram()) {
    Timeline timeline(program, simulator.description, simulator.base);
    Timeline::Hooks hooks;
    hooks.issue = [&](const Instance &instance, const Clock &clock) {
      return issue(instance, clock);
    };
    if (simulator.hooks.trace)
      hooks.retire = [&](const Instance &i, uint64_t start, uint64_t end) {
        simulator.hooks.trace({*i.command, i.index, i.trip, start, end});
      };
    if (timeline.run(hooks) == Timeline::End::Deadlock) {
      const Engine engine = timeline.blockedEngine();
      reporter.enter(timeline.list(engine).at(timeline.nextIndex(engine)));
      reporter.fail(FaultKind::Deadlock, timeline.waitGraph());
    }
    result.cycles = timeline.cycles();
    result.engines = timeline.stats();
    result.staticEnergy = staticEnergy(simulator.description, result.cycles);
    for (unsigned e = 0; e < kEngines; ++e)
      simulator.base[e] += uint32_t(timeline.nextIndex(Engine(e))) + 1;
  }
  result.fault = reporter.fault();
  return std::move(result);
}

std::optional<Cost> Dispatch::issue(const Instance &instance, const Clock &clock) {
  reporter.enter(instance);
  Executor &executor = simulator.executor;
  executor.nonFinite = executor.saturated = 0;
  if (!resolver.resolve(instance, resolved) || !judge(instance, clock) ||
      !executor.run(instance, resolved, simulator.memories, reporter))
    return std::nullopt;
  result.counters.nonFinite += executor.nonFinite;
  result.counters.saturated += executor.saturated;
  count(instance);
  if (simulator.hooks.tap)
    tap(instance);
  Cost cost = costOf(instance);
  if (simulator.options.chaosSeed)
    perturb(cost);
  return cost;
}

bool Dispatch::race(const Access &access, const Instance &instance, const Conflict &conflict,
                    bool write) {
  if (!simulator.options.judgeRaces)
    return true;
  const uint64_t index = conflict.epoch - simulator.base[unsigned(conflict.engine)] - 1;
  const Instance other = EngineList(program, conflict.engine).at(index);
  return reporter.fail(
      FaultKind::Race,
      fmt::format("its {} of {} [{}, {}) near {} is not ordered after the {} by {} command {} "
                  "(trip {}, id {}, '{}'): {} needs a wait for {} >= {}",
                  write ? "write" : "read", nameOf(access.space), access.start, access.end(),
                  conflict.address, conflict.otherWrote ? "write" : "read", nameOf(conflict.engine),
                  index, other.trip, other.command->id, other.command->name,
                  nameOf(instance.engine), nameOf(conflict.engine), index + 1),
      access.space, conflict.address);
}

bool Dispatch::judgeRead(const Access &access, const Instance &instance, const Clock &clock) {
  if (access.space == Space::Weights || access.space == Space::Ids)
    return true;
  Shadow &shadow = simulator.shadows[unsigned(access.space)];
  const Access merged = access.merged();
  return merged.everyRun([&](uint64_t at) {
    Conflict conflict;
    if (!shadow.read(at, merged.run, instance.engine, clock, conflict) &&
        !race(access, instance, conflict, false))
      return false;
    if (access.space == Space::Io)
      return true;
    const uint64_t hole = shadow.firstInvalid(at, merged.run);
    return hole == at + merged.run ||
           reporter.fail(FaultKind::Uninitialized,
                         fmt::format("operand {} reads {} [{}, {}), byte {} was never written",
                                     access.operand, nameOf(access.space), access.start,
                                     access.end(), hole),
                         access.space, hole);
  });
}

bool Dispatch::judgeWrite(const Access &access, const Instance &instance, const Clock &clock) {
  Shadow &shadow = simulator.shadows[unsigned(access.space)];
  const Access merged = access.merged();
  return merged.everyRun([&](uint64_t at) {
    Conflict conflict;
    if (!shadow.write(at, merged.run, instance.engine, clock, conflict) &&
        !race(access, instance, conflict, true))
      return false;
    shadow.setValid(at, merged.run);
    return true;
  });
}

bool Dispatch::judge(const Instance &instance, const Clock &clock) {
  for (const Access &access : resolved.reads)
    if (!judgeRead(access, instance, clock))
      return false;
  for (const Access &access : resolved.writes)
    if (!judgeWrite(access, instance, clock))
      return false;
  return true;
}

Cost Dispatch::dmaCost(const Dma &dma) {
  const Machine &machine = simulator.description;
  const DmaShape shape = shapeOf(dma, arguments.data);
  const DmaCycles cycles = cyclesOf(machine, shape);
  const Memory &memory = memoryOf(machine, shape.offChip);
  return {cycles.setup, cycles.latency, cycles.transfer,
          unsigned(&memory - machine.memories.data()), shareOfBus(memory, shape.load)};
}

Cost Dispatch::costOf(const Instance &instance) {
  const Machine &machine = simulator.description;
  const auto &work = instance.command->work;
  Cost cost;
  if (const auto *dma = std::get_if<Dma>(&work))
    cost = dmaCost(*dma);
  else if (const auto *matmul = std::get_if<MatmulCommand>(&work))
    cost.work = cyclesOf(machine, shapeOf(matmul->matmul, arguments.data));
  else
    cost.work = cyclesOf(machine, shapeOf(std::get<ChainCommand>(work).chain, arguments.data));
  return cost;
}

/// splitmix64.
static uint64_t draw(uint64_t &state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// Between an eighth and eight times as long, and now and then much longer.
void Dispatch::perturb(Cost &cost) {
  for (uint64_t *cycles : {&cost.setup, &cost.latency, &cost.work}) {
    const uint64_t eighths = 1 + draw(random) % 64;
    *cycles = *cycles / 8 * eighths + *cycles % 8;
    if (draw(random) % 16 == 0)
      *cycles += draw(random) % 20000;
  }
}

void Dispatch::count(const Instance &instance) {
  const Machine &machine = simulator.description;
  const auto add = [&](const Access &access, bool write) {
    const Memory &memory =
        access.space == Space::Sram ? machine.sram() : memoryOf(machine, access.space);
    Traffic &traffic = result.memories[size_t(&memory - machine.memories.data())];
    (write ? traffic.written : traffic.read) += access.bytes();
    if (access.space == Space::Sram)
      result.sramPeak = std::max(result.sramPeak, access.end());
  };
  for (const Access &access : resolved.reads)
    add(access, false);
  for (const Access &access : resolved.writes)
    add(access, true);
  ++result.counters.commands;
  const auto &work = instance.command->work;
  if (const auto *dma = std::get_if<Dma>(&work)) {
    result.energy += energyOf(machine, shapeOf(*dma, arguments.data));
  } else if (const auto *matmul = std::get_if<MatmulCommand>(&work)) {
    const uint64_t macs = resolved.rows() * resolved.n * resolved.k;
    (matmul->matmul.kind == MatmulKind::Linear ? result.counters.macsI8
                                               : result.counters.macsF16) += macs;
    result.energy += energyOf(machine, shapeOf(matmul->matmul, arguments.data));
  } else {
    const ChainCommand &chain = std::get<ChainCommand>(work);
    result.counters.laneOps += resolved.laneOps;
    std::vector<uint32_t> bits;
    for (const Operand &operand : chain.operands)
      bits.push_back(bitsOf(operand.type));
    result.energy += energyOf(machine, shapeOf(chain.chain, arguments.data), bits.data());
  }
}

void Dispatch::tap(const Instance &instance) {
  for (const Access &access : resolved.writes) {
    TapEvent event{*instance.command, instance.index, instance.trip,
                   access.operand,    access.start,   {}};
    const uint8_t *memory = simulator.memories[unsigned(access.space)].data;
    access.everyRun([&](uint64_t at) {
      event.bytes.insert(event.bytes.end(), memory + at, memory + at + access.run);
      return true;
    });
    simulator.hooks.tap(event);
  }
}

} // namespace llmc::rnpu
