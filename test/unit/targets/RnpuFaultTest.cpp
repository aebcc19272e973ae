// Every fault but races and deadlocks: each test breaks one thing in a program that runs.
#include "test/unit/targets/RnpuTestKit.h"

#include "targets/Interface/RowRecords.h"

#include "catch2/catch.hpp"

#include <cmath>

using namespace llmc::rnpu;
using namespace llmc::rnpu::test;

namespace {

struct Single {
  Gemv g;
  std::vector<float> expected;
  Single() { g = makeGemv(16, 64, 2, {}, 9, expected); }
  Command &command(size_t section, size_t i) {
    Section *sections[] = {&g.program.prologue, &g.program.body, &g.program.epilogue};
    return sections[section]->commands[i];
  }
  Dma &dma(size_t section, size_t i) { return std::get<Dma>(command(section, i).work); }
  MatmulCommand &mm(size_t i = 1) { return std::get<MatmulCommand>(command(1, i).work); }
  Result run() { return runGemv(g, smallMachine()); }
};

} // namespace

TEST_CASE("out of bounds, per space") {
  Single s;
  SECTION("off-chip read") {
    s.dma(1, 0).source.offset = s.g.weights.size();
    requireFault(s.run(), FaultKind::OutOfBounds, "read of weights");
  }
  SECTION("off-chip write") {
    s.dma(2, 0).destination.offset += 1024;
    requireFault(s.run(), FaultKind::OutOfBounds, "write of io");
  }
  SECTION("sram") {
    s.mm().operands[matmul::Out].address.offset = s.g.program.sramBytes - 16;
    requireFault(s.run(), FaultKind::OutOfBounds, "write of sram");
  }
  SECTION("beyond the operand's own bytes") {
    s.mm().operands[matmul::Out].bytes -= 4;
    requireFault(s.run(), FaultKind::OutOfBounds, "operand 3 touches 64 bytes");
  }
  SECTION("an address that wraps") {
    s.dma(1, 0).source.offset = UINT64_MAX - 15;
    requireFault(s.run(), FaultKind::OutOfBounds, "read of weights");
  }
  SECTION("more sram than the machine has") {
    s.g.program.sramBytes = uint64_t(1) << 40;
    requireFault(s.run(), FaultKind::OutOfBounds, "the machine has 1048576");
  }
  SECTION("a space that is not bound") {
    s.dma(2, 0).destination.space = Space::Scratch;
    s.dma(2, 0).destination.offset = 0;
    requireFault(s.run(), FaultKind::OutOfBounds, "leaves its 0 bytes");
  }
}

TEST_CASE("uninitialized bytes") {
  Single s;
  SECTION("sram") {
    s.dma(0, 0).run.value -= 16;
    const Result result = s.run();
    requireFault(result, FaultKind::Uninitialized, "byte 48 was never written");
    CHECK(result.fault->address == 48);
    CHECK(result.fault->engine == Engine::Tensor);
  }
  SECTION("sram of an earlier dispatch") {
    Simulator simulator(smallMachine());
    REQUIRE(simulator.dispatch(s.g.program, s.g.bindings(), {}).ok());
    s.g.program.prologue.commands.erase(s.g.program.prologue.commands.begin());
    for (Command &c : s.g.program.body.commands)
      if (c.engine == Engine::Tensor)
        c.waits[0].value -= 1;
    requireFault(simulator.dispatch(s.g.program, s.g.bindings(), {}), FaultKind::Uninitialized,
                 "operand 0");
  }
}

TEST_CASE("state keeps its valid bytes over dispatches, scratch does not") {
  std::vector<uint8_t> state(256), scratch(256), io(256, 3);
  Program write, read;
  write.entry = "write";
  read.entry = "read";
  write.sramBytes = read.sramBytes = 64;
  const Space space = GENERATE(Space::State, Space::Scratch);
  write.prologue.commands = {
      commandOf(Engine::Load, copyOf(at(Space::Io, 0), at(Space::Sram, 0), 64), {}, "in"),
      commandOf(Engine::Store, copyOf(at(Space::Sram, 0), at(space, 64), 64),
                {{Engine::Load, 1, 0}}, "out")};
  read.prologue.commands = {
      commandOf(Engine::Load, copyOf(at(space, 64), at(Space::Sram, 0), 64), {}, "back")};
  Bindings b;
  b.state = {state.data(), state.size()};
  b.scratch = {scratch.data(), scratch.size()};
  b.io = {io.data(), io.size()};
  Simulator simulator(smallMachine());
  requireFault(simulator.dispatch(read, b, {}), FaultKind::Uninitialized, "byte 64");
  REQUIRE(simulator.dispatch(write, b, {}).ok());
  const Result again = simulator.dispatch(read, b, {});
  CHECK(again.ok() == (space == Space::State));
  simulator.resetState();
  CHECK(!simulator.dispatch(read, b, {}).ok());
  simulator.markStateValid(64, 64);
  CHECK(simulator.dispatch(read, b, {}).ok() == (space == Space::State));
}

TEST_CASE("a read of scratch is ordered behind its write by nothing but a wait") {
  std::vector<uint8_t> scratch(64), io(64, 3);
  const bool waits = GENERATE(true, false);
  Program p;
  p.entry = "staged";
  p.sramBytes = 128;
  p.prologue.commands = {
      commandOf(Engine::Load, copyOf(at(Space::Io, 0), at(Space::Sram, 0), 64), {}, "in"),
      commandOf(Engine::Store, copyOf(at(Space::Sram, 0), at(Space::Scratch, 0), 64),
                {{Engine::Load, 1, 0}}, "stage"),
      commandOf(Engine::Load, copyOf(at(Space::Scratch, 0), at(Space::Sram, 64), 64),
                waits ? std::vector<Wait>{{Engine::Store, 1, 0}} : std::vector<Wait>{}, "back")};
  Bindings b;
  b.scratch = {scratch.data(), scratch.size()};
  b.io = {io.data(), io.size()};
  Simulator simulator(smallMachine());
  const Result result = simulator.dispatch(p, b, {});
  REQUIRE(result.ok() == waits);
  if (!waits)
    CHECK(
        (result.fault->kind == FaultKind::Race || result.fault->kind == FaultKind::Uninitialized));
}

TEST_CASE("writes to read-only memory, and the wrong way round") {
  Single s;
  SECTION("weights") {
    s.dma(2, 0).destination = at(Space::Weights, 0);
    requireFault(s.run(), FaultKind::ReadOnly, "weights");
  }
  SECTION("ids") {
    std::vector<uint8_t> ids(4096);
    s.dma(2, 0).destination = at(Space::Ids, 0);
    Bindings b = s.g.bindings();
    b.ids = {ids.data(), ids.size()};
    Simulator simulator(smallMachine());
    requireFault(simulator.dispatch(s.g.program, b, {}), FaultKind::ReadOnly, "ids");
  }
  SECTION("load that stores") {
    std::swap(s.dma(0, 0).source, s.dma(0, 0).destination);
    requireFault(s.run(), FaultKind::Shape, "load engine does not copy from sram to io");
  }
  SECTION("kernel operand off chip") {
    s.mm().operands[matmul::A].address.space = Space::Io;
    requireFault(s.run(), FaultKind::Shape, "kernels address sram only");
  }
}

TEST_CASE("misalignment") {
  Single s;
  SECTION("dma") {
    s.dma(0, 0).source.offset += 8;
    requireFault(s.run(), FaultKind::Misaligned, "io address 8 is not a multiple of 16");
  }
  SECTION("dma stride") {
    Dma &dma = s.dma(0, 0);
    dma.run.value = 24;
    dma.counts[0].value = 2;
    dma.sourceStrides[0] = 24;
    dma.destinationStrides[0] = 32;
    requireFault(s.run(), FaultKind::Misaligned, "stride");
  }
  SECTION("packed tile") {
    s.mm().operands[matmul::B].address.offset += 4;
    requireFault(s.run(), FaultKind::Misaligned, "not a multiple of 16");
  }
  SECTION("element") {
    s.mm().operands[matmul::AScale].address.offset += 2;
    requireFault(s.run(), FaultKind::Misaligned, "4-byte elements");
  }
}

TEST_CASE("illegal shapes") {
  Single s;
  SECTION("type") {
    s.mm().operands[matmul::A].type = ElementType::F16;
    requireFault(s.run(), FaultKind::Shape, "operand types");
  }
  SECTION("no sub-rows") {
    s.mm().matmul.subRows = 0;
    requireFault(s.run(), FaultKind::Shape, "sub-row");
  }
  SECTION("result rows on top of each other") {
    s.mm().matmul.tokens.value = 2;
    requireFault(s.run(), FaultKind::Shape, "overlap");
  }
  SECTION("rows without end") {
    s.mm().matmul.tokens.value = s.mm().matmul.subRows = UINT32_MAX;
    s.mm().matmul.n.value = 0;
    requireFault(s.run(), FaultKind::Shape, "more than sram can hold");
  }
  SECTION("trips without end") {
    s.g.program.trips = UINT32_MAX;
    requireFault(s.run(), FaultKind::BadProgram, "the limit is 16777216");
  }
  SECTION("format") {
    s.mm().matmul.format.element = s.mm().operands[matmul::B].type = ElementType::U8;
    requireFault(s.run(), FaultKind::Shape, "weight format");
  }
  SECTION("engine and work disagree") {
    s.command(0, 0).engine = Engine::Vector;
    requireFault(s.run(), FaultKind::BadProgram, "does not run this kind");
  }
  SECTION("a wait for its own engine") {
    s.command(1, 0).waits[0].engine = Engine::Load;
    requireFault(s.run(), FaultKind::BadProgram, "waits for engine 0");
  }
}

TEST_CASE("arguments and their maxima") {
  Single s;
  s.g.program.arguments = 1;
  s.g.program.argumentMax = {64};
  Dma &dma = s.dma(0, 0);
  dma.run.argument = 0;
  Simulator simulator(smallMachine());
  uint32_t value = 64;
  REQUIRE(simulator.dispatch(s.g.program, s.g.bindings(), {&value, 1}).ok());
  value = 65;
  requireFault(simulator.dispatch(s.g.program, s.g.bindings(), {&value, 1}), FaultKind::Argument,
               "argument 0 is 65, its maximum is 64");
  value = 64;
  dma.runUnit = 2;
  requireFault(simulator.dispatch(s.g.program, s.g.bindings(), {&value, 1}), FaultKind::Argument,
               "run is 128 from argument 0, its maximum is 64");
  requireFault(simulator.dispatch(s.g.program, s.g.bindings(), {}), FaultKind::BadBinding,
               "0 arguments given");
  dma.run.argument = 3;
  requireFault(simulator.dispatch(s.g.program, s.g.bindings(), {&value, 1}), FaultKind::BadProgram,
               "argument 3 of 1");
}

TEST_CASE("gather checks every id") {
  std::vector<uint8_t> weights(16 * 10), io(64);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = uint8_t(i / 16);
  int32_t ids[4] = {3, 9, 0, 3};
  Program p;
  p.entry = "gather";
  p.sramBytes = 64;
  Dma dma = copyOf(at(Space::Weights, 0), at(Space::Sram, 0), 16);
  dma.counts[0].value = 4;
  dma.sourceStrides[0] = dma.destinationStrides[0] = 16;
  dma.gather = true;
  dma.ids = at(Space::Ids, 0);
  dma.gatherBound = 10;
  p.prologue.commands = {commandOf(Engine::Load, dma, {}, "rows"),
                         commandOf(Engine::Store, copyOf(at(Space::Sram, 0), at(Space::Io, 0), 64),
                                   {{Engine::Load, 1, 0}}, "out")};
  Bindings b;
  b.weights = {weights.data(), weights.size()};
  b.ids = {reinterpret_cast<uint8_t *>(ids), sizeof ids};
  b.io = {io.data(), io.size()};
  Simulator simulator(smallMachine());
  REQUIRE(simulator.dispatch(p, b, {}).ok());
  CHECK(io[0] == 3);
  CHECK(io[16] == 9);
  CHECK(io[47] == 0);
  CHECK(io[63] == 3);
  ids[2] = 10;
  requireFault(simulator.dispatch(p, b, {}), FaultKind::Gather, "id 10 at position 2");
  ids[2] = -1;
  requireFault(simulator.dispatch(p, b, {}), FaultKind::Gather, "id -1 at position 2");
  std::get<Dma>(p.prologue.commands[0].work).gatherBound = 11;
  ids[2] = 10;
  requireFault(simulator.dispatch(p, b, {}), FaultKind::OutOfBounds, "read of weights");
}

TEST_CASE("int32 overflow is found by value") {
  const uint32_t k = 131072 + 16;
  for (const int8_t a : {int8_t(-128), int8_t(127)}) {
    KernelRun run;
    const std::vector<int8_t> x(k, a), w(k, -128);
    const float scale = 1.0f;
    WeightRows rows;
    rows.rows = 1;
    rows.columns = k;
    rows.elements = w.data();
    rows.rowScales = &scale;
    std::vector<uint8_t> tile;
    packRowRecords(rows, tile);
    MatmulCommand mm;
    mm.matmul.tokens.value = mm.matmul.n.value = 1;
    mm.matmul.k.value = k;
    mm.operands[matmul::A] = operandAt(run.input(x), ElementType::I8, 0, 0, k);
    mm.operands[matmul::AScale] =
        operandAt(run.input(std::vector<float>{1}), ElementType::F32, 0, 0, 4);
    mm.operands[matmul::B] = operandAt(run.input(tile), ElementType::I8, 0, 0, tile.size());
    const uint64_t y = run.reserve(4);
    mm.operands[matmul::Out] = operandAt(y, ElementType::F32, 0, 0, 4);
    run.kernel(mm);
    const std::vector<float> out = run.output<float>(y, 1);
    if (a == 127) {
      REQUIRE(run.result.ok());
      CHECK(out[0] == float(int64_t(k) * -128 * 127));
    } else {
      requireFault(run.result, FaultKind::Overflow, "the dot product is 2147745792");
    }
  }
}

TEST_CASE("malformed weight tiles") {
  Single s;
  SECTION("size") {
    s.mm().operands[matmul::B].bytes += 16;
    requireFault(s.run(), FaultKind::WeightTile, "declares");
  }
  SECTION("padding") {
    s.g.weights[s.g.slice - 1] = 1;
    requireFault(s.run(), FaultKind::WeightTile, "row 15 of the tile has padding");
  }
  SECTION("scale") {
    const float bad = std::nanf("");
    std::memcpy(s.g.weights.data() + 64, &bad, 4);
    requireFault(s.run(), FaultKind::WeightTile, "row 0 of the tile has a scale");
  }
}

TEST_CASE("results that are not finite are counted, not faulted") {
  Single s;
  const float huge = INFINITY;
  std::memcpy(s.g.io.data() + 64, &huge, 4);
  const Result result = s.run();
  REQUIRE(result.ok());
  CHECK(result.counters.nonFinite == s.g.outputs());
}
