// The event loop.
#include "targets/Rnpu/Simulator/Timeline.h"

#include "targets/Rnpu/Names.h"

#include <algorithm>
#include <fmt/format.h>

namespace llmc::rnpu {

using target::Command;
using target::Engine;
using target::kEngines;
using target::Wait;

EngineList::EngineList(const target::Program &program, Engine engine) : engine(engine) {
  const auto pick = [&](const target::Section &section, std::vector<const Command *> &out) {
    for (const Command &command : section.commands)
      if (command.engine == engine)
        out.push_back(&command);
  };
  pick(program.prologue, prologue);
  pick(program.body, body);
  pick(program.epilogue, epilogue);
  bodyEnd = prologue.size() + uint64_t(program.trips) * body.size();
  total = bodyEnd + epilogue.size();
}

Instance EngineList::at(uint64_t index) const {
  if (index < prologue.size())
    return {prologue[index], engine, index, 0};
  if (index >= bodyEnd)
    return {epilogue[index - bodyEnd], engine, index, 0};
  const uint64_t inBody = index - prologue.size();
  return {body[inBody % body.size()], engine, index, uint32_t(inBody / body.size())};
}

/// Value a wait asks for; a negative one holds at once, an unreachable one saturates.
static int64_t targetOf(const Wait &wait, uint32_t trip) {
  int64_t grown = 0, sum = 0;
  if (__builtin_mul_overflow(int64_t(trip), wait.perTrip, &grown) ||
      __builtin_add_overflow(grown, wait.value, &sum))
    return wait.perTrip < 0 ? -1 : INT64_MAX;
  return sum;
}

Timeline::Timeline(const target::Program &program, const target::Machine &machine,
                   const Clock &base)
    : machine(machine), base(base), now(machine.launchCycles) {
  for (unsigned e = 0; e < kEngines; ++e) {
    lists.emplace_back(program, static_cast<Engine>(e));
    states[e].clock = base;
    states[e].lastRetire = now;
    states[e].clocks.reserve(std::min<uint64_t>(lists[e].size(), 1 << 16));
  }
}

const Wait *Timeline::firstBlocked(const Instance &instance) const {
  for (const Wait &wait : instance.command->waits) {
    const int64_t value = targetOf(wait, instance.trip);
    if (value > 0 && uint64_t(value) > states[unsigned(wait.engine)].retired)
      return &wait;
  }
  return nullptr;
}

bool Timeline::waitsHold(const Instance &instance) const { return !firstBlocked(instance); }

bool Timeline::tryIssue(unsigned e, const Hooks &hooks) {
  State &state = states[e];
  const bool isDma = e < 2;
  const size_t room = isDma ? std::max(1u, machine.dmaOutstanding) : 1;
  if (state.issued == lists[e].size() || state.flights.size() >= room)
    return false;
  const Instance instance = lists[e].at(state.issued);
  if (!waitsHold(instance))
    return false;
  for (const Wait &wait : instance.command->waits) {
    const int64_t value = targetOf(wait, instance.trip);
    if (value > 0)
      join(state.clock, states[unsigned(wait.engine)].clocks[uint64_t(value) - 1]);
  }
  state.clock[e] = base[e] + uint32_t(state.issued) + 1;
  const std::optional<Cost> cost = hooks.issue(instance, state.clock);
  if (!cost) {
    stopped = true;
    return false;
  }
  if (state.flights.empty())
    engineStats[e].stall += now - state.lastRetire;
  state.clocks.push_back(state.clock);
  ++state.issued;
  Flight flight{instance, now, now + cost->setup + cost->latency, *cost, false, Bus::never};
  if (!isDma) {
    flight.moving = true;
    flight.end = now + cost->work;
  }
  state.flights.push_back(std::move(flight));
  return true;
}

/// When the front command of a DMA engine may begin to move data: its latency is over, and the
/// channel has been its own for the setup.
uint64_t Timeline::moveTime(unsigned e) const {
  const Flight &front = states[e].flights.front();
  const uint64_t channel = std::max(states[e].lastRetire, front.issued) + front.cost.setup;
  return std::max(front.ready, channel);
}

bool Timeline::tryMove(unsigned e) {
  if (e >= 2 || states[e].flights.empty() || states[e].flights.front().moving || moveTime(e) > now)
    return false;
  Flight &front = states[e].flights.front();
  front.moving = true;
  bus.start(e, now, front.cost.work, front.cost.memory, front.cost.demand);
  return true;
}

bool Timeline::tryRetire(unsigned e, const Hooks &hooks) {
  State &state = states[e];
  if (state.flights.empty() || !state.flights.front().moving)
    return false;
  const uint64_t end = e < 2 ? bus.endOf(e) : state.flights.front().end;
  if (end > now)
    return false;
  const Flight flight = state.flights.front();
  state.flights.pop_front();
  if (e < 2)
    bus.finish(e, now);
  engineStats[e].busy += now - std::max(state.lastRetire, flight.issued);
  ++engineStats[e].commands;
  state.lastRetire = now;
  ++state.retired;
  if (hooks.retire)
    hooks.retire(flight.instance, flight.issued, now);
  return true;
}

uint64_t Timeline::nextEvent() const {
  uint64_t next = Bus::never;
  for (unsigned e = 0; e < kEngines; ++e) {
    if (states[e].flights.empty())
      continue;
    const Flight &front = states[e].flights.front();
    if (!front.moving)
      next = std::min(next, moveTime(e));
    else
      next = std::min(next, e < 2 ? bus.endOf(e) : front.end);
  }
  return next;
}

Timeline::End Timeline::run(const Hooks &hooks) {
  for (;;) {
    bool progress = true;
    while (progress) {
      progress = false;
      for (unsigned e = 0; e < kEngines; ++e)
        progress |= tryRetire(e, hooks);
      for (unsigned e = 0; e < kEngines && !stopped; ++e)
        progress |= tryIssue(e, hooks);
      for (unsigned e = 0; e < kEngines; ++e)
        progress |= tryMove(e);
      if (stopped)
        return End::Stopped;
    }
    const uint64_t next = nextEvent();
    if (next == Bus::never)
      break;
    now = next;
  }
  for (unsigned e = 0; e < kEngines; ++e)
    if (states[e].issued < lists[e].size())
      return End::Deadlock;
  return End::Done;
}

Engine Timeline::blockedEngine() const {
  for (unsigned e = 0; e < kEngines; ++e)
    if (states[e].issued < lists[e].size())
      return static_cast<Engine>(e);
  return Engine::Load;
}

std::string Timeline::waitGraph() const {
  std::string text;
  for (unsigned e = 0; e < kEngines; ++e) {
    if (states[e].issued == lists[e].size())
      continue;
    const Instance instance = lists[e].at(states[e].issued);
    const Wait &wait = *firstBlocked(instance);
    const unsigned other = unsigned(wait.engine);
    text += fmt::format("{}{} command {} (trip {}, id {}, '{}') waits for {} >= {}, which retired "
                        "{} of {}",
                        text.empty() ? "" : "; ", nameOf(static_cast<Engine>(e)), instance.index,
                        instance.trip, instance.command->id, instance.command->name,
                        nameOf(wait.engine), targetOf(wait, instance.trip), states[other].retired,
                        lists[other].size());
  }
  return text;
}

} // namespace llmc::rnpu
