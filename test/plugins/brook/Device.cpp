// The simulated brook as a device: the stream, tokens and time.
#include "Units.h"

#include <deque>

namespace brook {
namespace {
struct Simulator : UnitSet {
  using UnitSet::UnitSet;

  /// Throws what is wrong with the stream.
  void run(const std::vector<Instruction> &stream) {
    synchronize();
    do {
      ++fetched;
      step(stream[next]);
    } while (stream[next++].code != Code::Halt);
    synchronize();
    figures.cycles += fetched;
  }

  struct Token {
    uint64_t time;
    Clock clock;
  };

  void step(const Instruction &i) {
    unit = i.unit;
    if ((i.code == Code::Loop && trips) || (i.code == Code::End && !trips))
      fail("a loop begins within another, or ends without one");
    if (i.code == Code::Set)
      files[unit][i.field] = i.immediate;
    else if (i.code == Code::Sync)
      synchronize();
    else if (i.code == Code::Loop)
      loopStart = next, trips = i.immediate, trip = 0;
    else if (i.code == Code::End && ++trip < trips)
      next = loopStart;
    else if (i.code == Code::End)
      trip = trips = 0;
    else if (i.code == Code::Go)
      id = i.immediate, go(i.field & 15, i.field >> 4);
  }

  /// What was issued is done, for all units.
  void synchronize() {
    fetched = std::max(fetched, done);
    for (unsigned u = 0; u < Units; ++u) {
      clocks[u] = issued;
      free[u] = fetched;
      for (std::deque<Token> &queue : queues[u])
        queue.clear();
    }
  }

  void go(unsigned takes, unsigned gives) {
    uint64_t start = std::max(fetched, free[unit]);
    for (unsigned giver = 0; giver < Units; ++giver) {
      std::deque<Token> &queue = queues[giver][unit];
      if (!(takes >> giver & 1))
        continue;
      if (queue.empty())
        fail(std::string("takes a token that ") + unitNames[giver] + " does not give");
      start = std::max(start, queue.front().time);
      for (unsigned u = 0; u < Units; ++u)
        clocks[unit][u] = std::max(clocks[unit][u], queue.front().clock[u]);
      queue.pop_front();
    }
    clocks[unit][unit] = ++issued[unit];
    const uint64_t cycles = execute();
    free[unit] = start + cycles;
    figures.engine_busy_cycles[unit] += cycles;
    const Token token = {free[unit] + latency, clocks[unit]};
    done = std::max(done, token.time);
    for (unsigned taker = 0; taker < Units; ++taker)
      if (gives >> taker & 1)
        queues[unit][taker].push_back(token);
  }

  size_t next = 0, loopStart = 0;
  uint32_t trips = 0;
  std::deque<Token> queues[Units][Units];                               ///< From, to.
  uint64_t fetched = machine.launch_cycles, free[Units] = {}, done = 0; ///< In cycles.
};

/// Programs run when they are submitted, so that nothing is ever pending.
struct Device {
  explicit Device(const llmc_machine &from)
      : machine(from), memories{from.memories[0], from.memories[1]} {
    memcpy(digest, from.digest, sizeof digest);
    machine.memories = memories;
    table.struct_size = sizeof table;
    table.abi = LLMC_DEVICE_ABI;
    table.ctx = this;
    table.match = match;
    table.submit = submit;
    table.poll = [](void *, uint32_t, uint32_t) { return llmc_status{}; };
  }

  static Device &self(void *handle) { return *static_cast<Device *>(handle); }

  static llmc_status match(void *ctx, const llmc_target_info *info) {
    if (info->config && !memcmp(info->config, self(ctx).digest, sizeof digest))
      return {};
    self(ctx).error = "the plan was made for another machine, or another description of it";
    return {LLMC_DEVICE_MISMATCH, LLMC_AT_DEVICE, 0};
  }

  static llmc_status submit(void *ctx, const llmc_dispatch *d) {
    try {
      self(ctx).run(*d);
    } catch (const std::exception &fault) {
      self(ctx).error = fault.what();
      return {LLMC_DEVICE_FAULT, LLMC_AT_KERNEL, uint16_t(d->kernel)};
    }
    return {};
  }

  void run(const llmc_dispatch &d) {
    Header header;
    std::vector<Instruction> stream;
    if (!decode(d.code, d.code_size, header, stream) || memcmp(header.machine, digest, 32) ||
        header.sramBytes > memories[0].bytes)
      throw std::runtime_error("the kernel is no program for this machine");
    if (d.n_operands != LLMC_SPACE_SRAM || d.n_params < header.nArguments)
      throw std::runtime_error("a program takes 5 memories and its arguments");
    Simulator(machine, header, d, figures).run(stream);
  }

  llmc_machine machine;
  const llmc_machine_memory memories[2];
  uint8_t digest[32];
  llmc_device table = {};
  llmc_device_figures figures = {};
  std::string error;
};
} // namespace

int openDevice(const llmc_target_call *call, const char *, llmc_opened_device *opened) {
  auto *device = new Device(*call->machine);
  opened->handle = device;
  opened->table = &device->table;
  opened->isa = "simulated";
  opened->figures = [](void *handle, llmc_device_figures *figures) {
    *figures = Device::self(handle).figures;
    figures->struct_size = sizeof *figures;
    figures->n_memories = 2;
    return 1;
  };
  opened->clear_figures = [](void *handle) { Device::self(handle).figures = {}; };
  opened->error = [](void *handle, const llmc_sink *sink) {
    const std::string &text = Device::self(handle).error;
    sink->write(sink->ctx, text.data(), text.size());
  };
  opened->close = [](void *handle) { delete &Device::self(handle); };
  return 1;
}
} // namespace brook
