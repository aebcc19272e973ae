// What the simulator of the example NPU refuses, and that nothing it is given leaves its memories.
#include "runtime/base/device.h"
#include "targets/Reference/Random.h"
#include "test/plugins/brook/Isa.h"

#include "catch2/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

using namespace brook;

namespace {

constexpr size_t spaceBytes = 256, guardBytes = 64;
constexpr uint32_t sramBytes = 4096, columns = 16;
constexpr uint32_t toMatrix = 1u << Matrix, toVector = 1u << Vector, toWrite = 1u << Write;
constexpr uint32_t fromRead = 1u << Read, fromVector = 1u << Vector;

llmc_address address(uint8_t space, uint64_t offset) { return {space, {}, -1, offset, 0, 0, 0}; }

/// A program and what it runs on: reads a row of numbers, doubles it, and writes it.
class Bench {
public:
  Bench() {
    read.source = address(LLMC_SPACE_WEIGHTS, 0);
    read.destination = address(LLMC_SPACE_SRAM, 0);
    read.run = {4 * columns, -1};
    read.counts[0] = read.counts[1] = {1, -1};
    write = read;
    write.source = address(LLMC_SPACE_SRAM, 4 * columns);
    write.destination = address(LLMC_SPACE_IO, 0);
    vector.tokens = {1, -1};
    vector.columns = {columns, -1};
    vector.positionArgument = -1;
    vector.nSteps = 3;
    vector.operands[0] = operand(0, 4 * columns);
    vector.operands[1] = operand(4 * columns, 4 * columns);
    vector.steps[0] = {LLMC_STEP_LOAD_MATRIX, 0, 0, 0, 0};
    vector.steps[1] = {LLMC_STEP_ADD, 0, 0, 0, 0};
    vector.steps[2] = {LLMC_STEP_STORE_MATRIX, 1, 0, 1, 0};
    std::memcpy(header.magic, "brook 1", sizeof header.magic);
    header.nArguments = 3;
    header.sramBytes = sramBytes;
  }

  static llmc_command_operand operand(uint64_t offset, uint64_t bytes) {
    llmc_command_operand operand = {};
    operand.address = address(LLMC_SPACE_SRAM, offset);
    operand.type = LLMC_ELEMENT_F32;
    operand.bytes = bytes;
    return operand;
  }

  template <class Registers> void set(Unit unit, const Registers &registers) {
    uint32_t words[sizeof registers / 4];
    std::memcpy(words, &registers, sizeof registers);
    for (unsigned i = 0; i < std::size(words); ++i)
      put(Code::Set, unit, i, words[i]);
  }
  void put(Code code, unsigned unit = 0, unsigned field = 0, uint32_t immediate = 0) {
    stream.push_back({code, uint8_t(unit), uint16_t(field), immediate});
  }
  void go(Unit unit, uint32_t takes, uint32_t gives, uint32_t id) {
    put(Code::Go, unit, takes | gives << 4, id);
  }

  /// The whole program as instructions.
  void encode() {
    set(Read, read);
    set(Write, write);
    set(Vector, vector);
    go(Read, 0, toVector, 1);
    go(Vector, fromRead, toWrite, 2);
    go(Write, fromVector, 0, 3);
    put(Code::Halt);
  }

  /// Empty, or what the device has to say.
  std::string run() {
    std::vector<uint8_t> code(sizeof header + stream.size() * sizeof(Instruction));
    std::memcpy(code.data(), &header, sizeof header);
    if (!stream.empty())
      std::memcpy(code.data() + sizeof header, stream.data(), code.size() - sizeof header);
    return runBytes(code);
  }
  std::string runBytes(const std::vector<uint8_t> &code);

  llmc_dma read = {}, write = {};
  VectorRegisters vector = {};
  MatrixRegisters matrix = {};
  Header header = {};
  std::vector<Instruction> stream;
  std::vector<uint8_t> spaces[LLMC_SPACE_SRAM];
  uint32_t nOperands = LLMC_SPACE_SRAM, nArguments = 3;
};

llmc_machine machineOf(const llmc_machine_memory *memories, const uint8_t *digest) {
  llmc_machine machine = {};
  machine.struct_size = sizeof machine;
  machine.digest = digest;
  machine.memories = memories;
  machine.n_memories = 2;
  machine.mac_per_cycle_i8 = machine.mac_per_cycle_f16 = machine.gemv_mac_per_cycle = 16;
  machine.vector_lanes = 16;
  return machine;
}

std::string Bench::runBytes(const std::vector<uint8_t> &code) {
  const uint8_t digest[32] = {};
  llmc_machine_memory memories[2] = {};
  memories[0].bytes = sramBytes;
  memories[1].bytes = 1 << 20;
  memories[1].read_bytes_per_cycle = memories[1].write_bytes_per_cycle = 1;
  const llmc_machine machine = machineOf(memories, digest);
  llmc_target_call call = {};
  call.struct_size = sizeof call;
  call.machine = &machine;
  llmc_opened_device opened = {};
  REQUIRE(openDevice(&call, "", &opened) == 1);
  llmc_operand_view views[LLMC_SPACE_SRAM];
  for (unsigned i = 0; i < LLMC_SPACE_SRAM; ++i) {
    spaces[i].assign(spaceBytes + 2 * guardBytes, 0xa5);
    std::memset(spaces[i].data() + guardBytes, 0, spaceBytes);
    views[i] = {spaces[i].data() + guardBytes, spaceBytes, uint16_t(i), LLMC_READ, 255};
  }
  for (uint32_t i = 0; i < columns; ++i) {
    const float value = float(i) - 3;
    std::memcpy(spaces[LLMC_SPACE_WEIGHTS].data() + guardBytes + 4 * i, &value, 4);
  }
  const uint32_t arguments[3] = {1, 2, 3};
  llmc_dispatch dispatch = {};
  dispatch.code = code.data();
  dispatch.code_size = code.size();
  dispatch.operands = views;
  dispatch.n_operands = nOperands;
  dispatch.params = arguments;
  dispatch.n_params = nArguments;
  const llmc_status status = opened.table->submit(opened.table->ctx, &dispatch);
  std::string text;
  const llmc_sink sink = {&text, [](void *ctx, const void *data, size_t size) {
                            static_cast<std::string *>(ctx)->append(static_cast<const char *>(data),
                                                                    size);
                          }};
  opened.error(opened.handle, &sink);
  opened.close(opened.handle);
  CHECK(text.empty() == (status.code == LLMC_OK));
  const auto isGuard = [](uint8_t byte) { return byte == 0xa5; };
  for (const std::vector<uint8_t> &space : spaces)
    CHECK((std::all_of(space.begin(), space.begin() + guardBytes, isGuard) &&
           std::all_of(space.end() - guardBytes, space.end(), isGuard)));
  return text;
}

/// What a program says that one change made wrong.
template <class Change> std::string after(Change change) {
  Bench bench;
  change(bench);
  if (bench.stream.empty())
    bench.encode();
  return bench.run();
}

constexpr const char *notBegun = "the kernel is no program for this machine";

} // namespace

TEST_CASE("brook: a program that is right runs") {
  Bench bench;
  bench.encode();
  CHECK(bench.run() == "");
  for (uint32_t i = 0; i < columns; ++i) {
    float value = 0;
    std::memcpy(&value, bench.spaces[LLMC_SPACE_IO].data() + guardBytes + 4 * i, 4);
    CHECK(value == 2 * (float(i) - 3));
  }
}

TEST_CASE("brook: bytes that are no program for it are not begun") {
  Bench bench;
  CHECK(bench.runBytes({}) == notBegun);
  CHECK(bench.run() == notBegun); // no instruction
  CHECK(bench.runBytes(std::vector<uint8_t>(sizeof(Header) + sizeof(Instruction), 0)) == notBegun);
  CHECK(after([](Bench &b) { b.header.magic[6] = '2'; }) == notBegun);
  CHECK(after([](Bench &b) { b.header.machine[31] = 1; }) == notBegun);
  CHECK(after([](Bench &b) { b.header.sramBytes = sramBytes + 1; }) == notBegun);
  CHECK(after([](Bench &b) { b.put(Code::Sync); }) == notBegun); // has no end
  CHECK(after([](Bench &b) { b.put(Code(6)), b.put(Code::Halt); }) == notBegun);
  CHECK(after([](Bench &b) { b.put(Code::Set, Units), b.put(Code::Halt); }) == notBegun);
  CHECK(after([](Bench &b) { b.put(Code::Set, Read, maxRegisters), b.put(Code::Halt); }) ==
        notBegun);
  constexpr const char *given = "a program takes 5 memories and its arguments";
  CHECK(after([](Bench &b) { b.nOperands = 4; }) == given);
  CHECK(after([](Bench &b) { b.nArguments = 2; }) == given);
}

TEST_CASE("brook: a copy stays in its memories, and writes no constants") {
  const std::string first = "read command 1, trip 0: ";
  CHECK(after([](Bench &b) { b.read.source.offset = spaceBytes; }) ==
        first + "byte 320 of memory 0");
  CHECK(after([](Bench &b) { b.read.source.offset = ~uint64_t(0); }) ==
        first + "byte 63 of memory 0");
  CHECK(after([](Bench &b) { b.read.destination.offset = sramBytes - 63; }) ==
        first + "byte 4097 of memory 5");
  CHECK(after([](Bench &b) { b.read.source.space = LLMC_SPACE_COUNT; }) ==
        first + "byte 64 of memory 6");
  CHECK(after([](Bench &b) { b.read.counts[0] = b.read.counts[1] = {~0u, -1}; }) ==
        first + "copies more than there is room for");
  CHECK(after([](Bench &b) { b.read.destination.space = LLMC_SPACE_IDS; }) ==
        first + "writes to constants");
  CHECK(after([](Bench &b) { b.write.destination.space = LLMC_SPACE_WEIGHTS; }) ==
        "write command 3, trip 0: writes to constants");
  CHECK(after([](Bench &b) { b.read.source.argument = 3; }) == first + "reads argument 3 of 3");
  CHECK(after([](Bench &b) {
          b.read.gather = 1;
          b.read.ids = address(LLMC_SPACE_IDS, spaceBytes - 3);
        }) == first + "byte 257 of memory 2");
}

TEST_CASE("brook: what no token orders is a fault, as is a token that nobody gave") {
  const auto ordered = [](uint32_t readGives, uint32_t vectorTakes, uint32_t writeTakes) {
    return after([=](Bench &b) {
      b.set(Read, b.read);
      b.set(Write, b.write);
      b.set(Vector, b.vector);
      b.go(Read, 0, readGives, 1);
      b.go(Vector, vectorTakes, toWrite, 2);
      b.go(Write, writeTakes, 0, 3);
      b.put(Code::Halt);
    });
  };
  CHECK(ordered(toVector, fromRead, fromVector) == "");
  CHECK(ordered(0, 0, fromVector) ==
        "vector command 2, trip 0: no token orders it behind read at byte 0 of SRAM");
  CHECK(ordered(toVector, fromRead, 0) ==
        "write command 3, trip 0: no token orders it behind vector at byte 64 of SRAM");
  CHECK(ordered(toMatrix, fromRead, fromVector) ==
        "vector command 2, trip 0: takes a token that read does not give");
}

TEST_CASE("brook: loops do not nest, and have a beginning and an end") {
  constexpr const char *wrong =
      "read command 0, trip 0: a loop begins within another, or ends without one";
  const auto codes = [](std::initializer_list<Code> all) {
    return after([&](Bench &b) {
      for (const Code code : all)
        b.put(code, 0, 0, 2);
    });
  };
  CHECK(codes({Code::Loop, Code::Sync, Code::End, Code::Halt}) == "");
  CHECK(codes({Code::Loop, Code::Loop, Code::End, Code::Halt}) == wrong);
  CHECK(codes({Code::End, Code::Halt}) == wrong);
  CHECK(after([](Bench &b) {
          b.read.destination.trip_stride = sramBytes - 64;
          b.set(Read, b.read);
          b.put(Code::Loop, 0, 0, 3);
          b.go(Read, 0, 0, 7);
          b.put(Code::End);
          b.put(Code::Halt);
        }) == "read command 7, trip 2: byte 8128 of memory 5");
}

TEST_CASE("brook: a chain has its steps and operands, and fits SRAM") {
  const std::string second = "vector command 2, trip 0: ";
  const std::string room = second + "has more than 64 steps, or is larger than SRAM",
                    step = second + "a step is none, or reads what is not there";
  CHECK(after([](Bench &b) { b.vector.nSteps = maxSteps + 1; }) == room);
  CHECK(after([](Bench &b) { b.vector.tokens = {~0u, -1}; }) == room);
  CHECK(after([](Bench &b) { b.vector.columns = {~0u, -1}; }) == room);
  CHECK(after([](Bench &b) { b.vector.steps[1].step = LLMC_STEP_COUNT; }) == step);
  CHECK(after([](Bench &b) { b.vector.steps[1].b = 3; }) == step);
  CHECK(after([](Bench &b) { b.vector.steps[2].operand = maxOperands; }) == step);
  CHECK(after([](Bench &b) { b.vector.operands[1].bytes = 4 * columns - 1; }) ==
        second + "leaves an operand of 63 bytes of SRAM");
  CHECK(after([](Bench &b) { b.vector.operands[0].address.space = LLMC_SPACE_STATE; }) ==
        second + "leaves an operand of 64 bytes of SRAM");
  CHECK(after([](Bench &b) { b.vector.positionArgument = 4; }) == second + "reads argument 4 of 3");
}

TEST_CASE("brook: a matrix multiplication has operands that hold it, and fits SRAM") {
  const auto multiply = [](auto change) {
    return after([&](Bench &b) {
      llmc_matmul &matmul = b.matrix.matmul;
      matmul.tokens = {2, -1};
      matmul.n = {16, -1};
      matmul.k = {8, -1};
      matmul.format = {LLMC_ELEMENT_I8, LLMC_SCALE_F32_ROW, {}, 0};
      b.matrix.a = Bench::operand(0, 16);
      b.matrix.a.token_stride = 8;
      b.matrix.aScale = Bench::operand(16, 8);
      b.matrix.aScale.token_stride = 4;
      b.matrix.b = Bench::operand(64, 16 * 12);
      b.matrix.out = Bench::operand(512, 128);
      b.matrix.out.token_stride = 64;
      change(b.matrix);
      b.set(Matrix, b.matrix);
      b.go(Matrix, 0, 0, 4);
      b.put(Code::Halt);
    });
  };
  const std::string fourth = "matrix command 4, trip 0: ";
  CHECK(multiply([](MatrixRegisters &) {}) == "");
  for (const uint8_t kind : {LLMC_MATMUL_LINEAR, LLMC_MATMUL_SCORES, LLMC_MATMUL_VALUES})
    for (llmc_extent llmc_matmul::*extent :
         {&llmc_matmul::tokens, &llmc_matmul::n, &llmc_matmul::k})
      CHECK(multiply([&](MatrixRegisters &m) {
              m.matmul.kind = kind;
              m.matmul.*extent = {~0u, -1};
            }) == fourth + "is larger than SRAM");
  CHECK(multiply([](MatrixRegisters &m) { m.b.bytes = 16 * 12 - 1; }) ==
        fourth + "leaves an operand of 191 bytes of SRAM");
  CHECK(multiply([](MatrixRegisters &m) { m.out.address.offset = sramBytes - 64; }) ==
        fourth + "byte 4160 of memory 5");
  CHECK(multiply([](MatrixRegisters &m) { m.a.token_stride = 9; }) ==
        fourth + "leaves an operand of 16 bytes of SRAM");
}

TEST_CASE("brook: random registers end in a fault or not, and leave no memory") {
  llmc::target::Random random(7);
  unsigned faults = 0;
  for (unsigned round = 0; round < 40000; ++round) {
    Bench bench;
    bench.encode();
    for (unsigned change = 0; change < 3; ++change) {
      Instruction &i = bench.stream[random.below(uint32_t(bench.stream.size() - 4))];
      const uint32_t kind = random.below(3);
      i.immediate = kind == 0   ? i.immediate ^ 1u << random.below(32)
                    : kind == 1 ? random.below(1000)
                                : 0u - random.below(1000);
    }
    faults += !bench.run().empty();
  }
  CHECK(faults > 4000);
  CHECK(faults < 36000);
}
