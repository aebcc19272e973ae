// Cycles against closed forms, energy against counts, and what the hooks see.
#include "test/unit/targets/RnpuTestKit.h"

#include "targets/Rnpu/Simulator/Bus.h"

#include "catch2/catch.hpp"

using namespace llmc::rnpu;
using namespace llmc::rnpu::test;

namespace {

/// Loads of these sizes from these spaces, and stores to Io behind them where `stores` says so.
struct Copies {
  std::vector<uint8_t> weights = std::vector<uint8_t>(1 << 16), io = weights;
  Program program;
  Copies() {
    program.entry = "copies";
    program.sramBytes = 1 << 18;
  }
  void load(Space from, uint32_t bytes, std::vector<Wait> waits = {}) {
    program.prologue.commands.push_back(commandOf(
        Engine::Load, copyOf(at(from, 0), at(Space::Sram, top), bytes), std::move(waits), "load"));
    top += align16(bytes);
  }
  void store(uint64_t sram, uint32_t bytes, std::vector<Wait> waits) {
    program.prologue.commands.push_back(
        commandOf(Engine::Store, copyOf(at(Space::Sram, sram), at(Space::Io, 1 << 15), bytes),
                  std::move(waits), "store"));
  }
  Result run(const Machine &machine, std::vector<std::pair<uint64_t, uint64_t>> *times = nullptr) {
    Simulator simulator(machine);
    if (times)
      simulator.hooks.trace = [&](const TraceEvent &e) { times->push_back({e.start, e.end}); };
    Bindings b;
    b.weights = {weights.data(), weights.size()};
    b.io = {io.data(), io.size()};
    return simulator.dispatch(program, b, {});
  }
  uint64_t top = 0;
};

} // namespace

TEST_CASE("one DMA: launch, setup, latency, bytes over rate") {
  Copies c;
  c.load(Space::Io, 4096);
  const Result result = c.run(smallMachine());
  REQUIRE(result.ok());
  CHECK(result.cycles == 50 + 7 + 100 + 4096 / 8);
  CHECK(result.engines[0].busy == 7 + 100 + 512);
  CHECK(result.engines[0].stall == 0);
  CHECK(result.memories[1].read == 4096);
  CHECK(result.memories[0].written == 4096);
}

TEST_CASE("DMAs of one engine overlap their latencies, as far as the machine lets them") {
  const uint32_t count = 8, bytes = 2048;
  Copies c;
  for (uint32_t i = 0; i < count; ++i)
    c.load(Space::Io, bytes);
  Machine m = smallMachine();
  Result result = c.run(m);
  REQUIRE(result.ok());
  // One latency, then setup and transfer back to back.
  CHECK(result.cycles == 50 + 100 + count * (7 + bytes / 8));
  m.dmaOutstanding = 1;
  result = c.run(m);
  CHECK(result.cycles == 50 + count * (7 + 100 + bytes / 8));
}

TEST_CASE("a latency longer than a transfer is hidden only by enough commands under way") {
  const uint32_t count = 9, bytes = 128, transfer = 16;
  Copies c;
  for (uint32_t i = 0; i < count; ++i)
    c.load(Space::Io, bytes);
  Machine m = smallMachine();
  m.dmaSetupCycles = 0;
  m.dmaOutstanding = 3;
  std::vector<std::pair<uint64_t, uint64_t>> times;
  REQUIRE(c.run(m, &times).ok());
  // Command i is issued when command i-3 retires: three transfers and a latency a round.
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t round = i / 3, end = 50 + (round + 1) * (100 + transfer) + i % 3 * transfer;
    CHECK(times[i].second == end);
  }
}

TEST_CASE("a load and a store share their memory, and only theirs") {
  Machine m = smallMachine();
  m.dmaSetupCycles = 0;
  m.dmaOutstanding = 1;
  Copies c;
  const uint32_t bytes = 8192;
  // The second load and the store start together, when the first load has retired.
  SECTION("the same memory: half the rate each") {
    c.load(Space::Io, bytes);
    c.load(Space::Io, bytes);
    c.store(0, bytes, {{Engine::Load, 1, 0}});
    const Result result = c.run(m);
    INFO((result.fault ? result.fault->message : ""));
    REQUIRE(result.ok());
    CHECK(result.cycles == 50 + 100 + bytes / 8 + 100 + 2 * bytes / 8);
  }
  SECTION("two memories: the full rate each") {
    c.load(Space::Io, bytes);
    c.load(Space::Weights, bytes);
    c.store(0, bytes, {{Engine::Load, 1, 0}});
    const Result result = c.run(m);
    REQUIRE(result.ok());
    CHECK(result.cycles == 50 + 100 + bytes / 8 + 200 + bytes / 4);
  }
  SECTION("shares change when a transfer ends") {
    c.load(Space::Io, bytes);
    c.load(Space::Io, 2 * bytes);
    c.store(0, bytes, {{Engine::Load, 1, 0}});
    const Result result = c.run(m);
    REQUIRE(result.ok());
    // Both at half rate until the store ends, then the load alone.
    CHECK(result.cycles == 50 + 100 + bytes / 8 + 100 + 2 * bytes / 8 + bytes / 8);
  }
}

TEST_CASE("max-min shares") {
  CHECK(maxMinShares({1, 1}) == std::vector<double>{0.5, 0.5});
  CHECK(maxMinShares({0.2, 1}) == std::vector<double>{0.2, 0.8});
  CHECK(maxMinShares({1, 0.25, 0.25}) == std::vector<double>{0.5, 0.25, 0.25});
  CHECK(maxMinShares({0.3, 0.4}) == std::vector<double>{0.3, 0.4});
}

TEST_CASE("a channel below the bus by Little's law leaves room for the other") {
  Machine m = smallMachine();
  m.memories[1].outstandingReads = 4;
  m.memories[1].burstBytes = 50;
  CHECK(shareOfBus(m.memories[1], true) == Approx(0.25));
  CHECK(shareOfBus(m.memories[1], false) == 1.0);
}

TEST_CASE("kernels take what the timing law says, and engines run beside each other") {
  std::vector<float> expected;
  Gemv g = makeGemv(16, 64, 4, {}, 21, expected);
  Simulator simulator(smallMachine());
  const Machine &m = simulator.machine();
  std::vector<uint64_t> tensor;
  simulator.hooks.trace = [&](const TraceEvent &e) {
    if (e.command.engine == Engine::Tensor)
      tensor.push_back(e.end - e.start);
  };
  const Result result = simulator.dispatch(g.program, g.bindings(), {});
  REQUIRE(result.ok());
  const auto &mm = std::get<MatmulCommand>(g.program.body.commands[1].work);
  const uint64_t each = cyclesOf(m, shapeOf(mm.matmul));
  CHECK(each == 10 + 16 * 64 / 16);
  CHECK(tensor == std::vector<uint64_t>(8, each));
  CHECK(result.engines[2].busy == 8 * each);
  // Bandwidth bound: the weights' bytes over flash's rate, and every setup; the rest is fill and
  // drain.
  const uint64_t stream = 8 * (g.slice / 4 + 7);
  CHECK(result.cycles > 50 + 200 + stream);
  CHECK(result.cycles < 50 + 200 + stream + 3 * each + 400);
}

TEST_CASE("energy is counts times the machine's figures, in order low, nominal, high") {
  std::vector<float> expected;
  Gemv g = makeGemv(16, 64, 2, {}, 22, expected);
  Simulator simulator(smallMachine());
  const Result result = simulator.dispatch(g.program, g.bindings(), {});
  REQUIRE(result.ok());
  const double macs = double(result.counters.macsI8);
  CHECK(result.energy.compute.nominal == Approx(macs * 0.1));
  CHECK(result.energy.compute.low == Approx(macs * 0.05));
  const double sramBytes = double(result.memories[0].read + result.memories[0].written);
  CHECK(result.energy.sram.nominal == Approx(sramBytes * 1));
  CHECK(result.staticEnergy.nominal == Approx(2 * double(result.cycles)));
  const llmc::target::Band total = result.totalEnergy();
  CHECK(total.low < total.nominal);
  CHECK(total.nominal < total.high);
}

TEST_CASE("the tap sees what every command wrote") {
  std::vector<float> expected, seen;
  Gemv g = makeGemv(8, 32, 2, {}, 23, expected);
  Simulator simulator(smallMachine());
  simulator.hooks.tap = [&](const TapEvent &e) {
    if (e.command.engine != Engine::Tensor)
      return;
    CHECK(e.operand == matmul::Out);
    const size_t at = seen.size();
    seen.resize(at + e.bytes.size() / 4);
    std::memcpy(seen.data() + at, e.bytes.data(), e.bytes.size());
  };
  REQUIRE(simulator.dispatch(g.program, g.bindings(), {}).ok());
  CHECK(seen == expected);
}

TEST_CASE("figures of dispatches add up") {
  std::vector<float> expected;
  Gemv g = makeGemv(8, 32, 2, {}, 24, expected);
  Simulator simulator(smallMachine());
  const Result one = simulator.dispatch(g.program, g.bindings(), {});
  Result total;
  total.accumulate(one);
  total.accumulate(one);
  CHECK(total.cycles == 2 * one.cycles);
  CHECK(total.memories[2].read == 2 * one.memories[2].read);
  CHECK(total.counters.commands == 2 * one.counters.commands);
  CHECK(total.sramPeak == one.sramPeak);
  CHECK(total.engines[0].busy == 2 * one.engines[0].busy);
}
