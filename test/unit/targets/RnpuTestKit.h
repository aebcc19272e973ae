// Small machines and programs for the tests of the simulated NPU.
#pragma once

#include "runtime/base/numerics.h"
#include "targets/Interface/Target.h"
#include "targets/Rnpu/Simulator/Simulator.h"

#include "catch2/catch.hpp"

#include <cstring>
#include <random>
#include <vector>

namespace llmc::rnpu::test {

using namespace llmc::target;

/// Round numbers, so that closed forms are short: weights in "flash" at 4 bytes a cycle, the rest
/// in "dram" at 8, no bound from Little's law.
inline Machine smallMachine() {
  Machine m;
  m.name = "small";
  m.target = "rnpu";
  m.clockHz = 1e9;
  Memory sram, dram, flash;
  sram.name = "sram";
  sram.kind = MemoryKind::Sram;
  sram.bytes = 1 << 20;
  sram.readBytesPerCycle = sram.writeBytesPerCycle = 1024;
  sram.energyPerByte = {0.5, 1, 2};
  dram.name = "dram";
  dram.kind = MemoryKind::Dram;
  dram.bytes = 1 << 30;
  dram.readBytesPerCycle = dram.writeBytesPerCycle = 8;
  dram.readLatency = dram.writeLatency = 100;
  dram.outstandingReads = dram.outstandingWrites = 1000;
  dram.energyPerByte = {32, 40, 64};
  flash = dram;
  flash.name = "flash";
  flash.kind = MemoryKind::FlashXip;
  flash.readBytesPerCycle = 4;
  flash.readLatency = 200;
  m.memories = {sram, dram, flash};
  m.placement = {"flash", "dram", "dram", "dram"};
  m.tensor.timing.issueCycles = 10;
  m.tensor.macPerCycleI8 = 256;
  m.tensor.macPerCycleF16 = 64;
  m.tensor.gemvMacPerCycle = 16;
  m.tensor.outputsPerCycle = 4;
  m.tensor.energyPerMacI8 = {0.05, 0.1, 0.3};
  m.tensor.energyPerMacF16 = {0.2, 0.4, 0.8};
  m.vector.timing.issueCycles = 5;
  m.vector.lanes = 8;
  m.vector.cyclesPerFunction = 4;
  m.vector.maxSteps = 32;
  m.vector.energyPerLaneOp = {0.5, 1, 2};
  m.dmaSetupCycles = 7;
  m.dmaOutstanding = 4;
  m.launchCycles = 50;
  m.staticPower = {1, 2, 4};
  return m;
}

inline Address at(Space space, uint64_t offset, uint64_t tripStride = 0) {
  Address a;
  a.space = space;
  a.offset = offset;
  a.tripStride = tripStride;
  return a;
}

inline Operand operandAt(uint64_t offset, ElementType type, uint32_t tokenStride,
                         uint32_t subStride, uint64_t bytes) {
  Operand o;
  o.address = at(Space::Sram, offset);
  o.type = type;
  o.tokenStride = tokenStride;
  o.subStride = subStride;
  o.bytes = bytes;
  return o;
}

inline Dma copyOf(Address from, Address to, uint32_t bytes) {
  Dma d;
  d.source = from;
  d.destination = to;
  d.run.value = bytes;
  return d;
}

inline Command commandOf(Engine engine, std::variant<Dma, MatmulCommand, ChainCommand> work,
                         std::vector<Wait> waits, const char *name) {
  Command c;
  c.engine = engine;
  c.work = std::move(work);
  c.waits = std::move(waits);
  c.name = name;
  return c;
}

inline uint64_t align16(uint64_t bytes) { return (bytes + 15) / 16 * 16; }

/// Loads inputs from Io, runs one kernel, stores its results to Io.
class KernelRun {
public:
  Machine machine = smallMachine();
  Program program;
  std::vector<uint8_t> io;
  std::vector<uint32_t> arguments;

  KernelRun() { program.entry = "kernel"; }

  /// SRAM address of a copy of these bytes.
  template <class T> uint64_t input(const std::vector<T> &values) {
    const size_t bytes = values.size() * sizeof(T), offset = io.size();
    io.resize(offset + align16(bytes));
    std::memcpy(io.data() + offset, values.data(), bytes);
    const uint64_t address = reserve(bytes);
    if (bytes)
      program.prologue.commands.push_back(commandOf(
          Engine::Load, copyOf(at(Space::Io, offset), at(Space::Sram, address), uint32_t(bytes)),
          {}, "input"));
    loads += bytes != 0;
    return address;
  }
  uint64_t reserve(uint64_t bytes) {
    const uint64_t address = program.sramBytes;
    program.sramBytes += align16(bytes);
    return address;
  }
  void kernel(MatmulCommand work) { add(Engine::Tensor, std::move(work)); }
  void kernel(ChainCommand work) { add(Engine::Vector, std::move(work)); }

  /// Runs, and gives the `bytes` at an SRAM address.
  template <class T> std::vector<T> output(uint64_t address, size_t count) {
    const size_t offset = io.size(), bytes = count * sizeof(T);
    io.resize(offset + align16(bytes));
    program.prologue.commands.push_back(commandOf(
        Engine::Store, copyOf(at(Space::Sram, address), at(Space::Io, offset), uint32_t(bytes)),
        {{engine, 1, 0}}, "output"));
    run();
    std::vector<T> values(count);
    std::memcpy(values.data(), io.data() + offset, bytes);
    return values;
  }
  void run() {
    Simulator simulator(machine);
    program.arguments = uint32_t(arguments.size());
    if (program.argumentMax.empty())
      program.argumentMax = arguments;
    Bindings bindings;
    bindings.io = {io.data(), io.size()};
    result = simulator.dispatch(program, bindings, {arguments.data(), arguments.size()});
  }
  Result result;

private:
  void add(Engine e, std::variant<Dma, MatmulCommand, ChainCommand> work) {
    engine = e;
    program.prologue.commands.push_back(
        commandOf(e, std::move(work), {{Engine::Load, int64_t(loads), 0}}, "kernel"));
  }
  Engine engine = Engine::Tensor;
  uint32_t loads = 0;
};

/// y = W x in slices of `rows` output rows, streamed through two weight slots, two slices a trip.
/// Io holds x (int8), its scale at align16(k), and y behind it.
struct Gemv {
  uint32_t rows = 16, k = 64, trips = 3;
  WeightFormat format;
  std::vector<uint8_t> weights; ///< Packed slices, in order.
  std::vector<uint8_t> io;
  uint64_t slice = 0, ioY = 0;
  Program program;

  uint32_t outputs() const { return rows * 2 * trips; }
  Bindings bindings() {
    Bindings b;
    b.weights = {weights.data(), weights.size()};
    b.io = {io.data(), io.size()};
    return b;
  }
  std::vector<float> result() const {
    std::vector<float> y(outputs());
    std::memcpy(y.data(), io.data() + ioY, y.size() * 4);
    return y;
  }
};

/// Random data; `expected` is the scalar result.
Gemv makeGemv(uint32_t rows, uint32_t k, uint32_t trips, WeightFormat format, uint32_t seed,
              std::vector<float> &expected);

inline Result runGemv(Gemv &g, const Machine &machine, Options options = {}) {
  Simulator simulator(machine);
  simulator.options = options;
  return simulator.dispatch(g.program, g.bindings(), {});
}

/// The dispatch ended with this kind of fault, and the message says where.
inline void requireFault(const Result &result, FaultKind kind, const std::string &text) {
  REQUIRE(result.fault);
  INFO(result.fault->message);
  CHECK(result.fault->kind == kind);
  CHECK(result.fault->message.find(text) != std::string::npos);
  CHECK(result.fault->message.find("entry '") != std::string::npos);
}

/// Random unpacked weights, kept alive with their scales.
struct RandomWeights {
  WeightFormat format;
  uint32_t rows, columns, groups, groupSize;
  std::vector<int8_t> elements;
  std::vector<float> rowScales, groupScales;
  std::vector<uint8_t> multipliers;
  std::vector<uint16_t> halfScales;

  RandomWeights(const WeightFormat &format, uint32_t rows, uint32_t columns, std::mt19937 &random);
  WeightRows view(uint32_t firstRow, uint32_t count) const;
  /// The linear layer of docs/numerics.md for one output, in plain code.
  float dot(const int8_t *a, float aScale, uint32_t row) const;
};

inline std::vector<uint16_t> randomHalves(size_t count, std::mt19937 &random) {
  std::normal_distribution<float> value(0, 1);
  std::vector<uint16_t> halves(count);
  for (uint16_t &h : halves)
    h = llmc_f32_to_f16(value(random));
  return halves;
}

inline std::vector<float> randomFloats(size_t count, std::mt19937 &random) {
  std::normal_distribution<float> value(0, 3);
  std::vector<float> floats(count);
  for (float &f : floats)
    f = value(random);
  return floats;
}

/// Same bytes, so that -0 and NaN count.
template <class T> bool sameBytes(const std::vector<T> &a, const std::vector<T> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

} // namespace llmc::rnpu::test
