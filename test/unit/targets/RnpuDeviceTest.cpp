// The simulated NPU through the runtime's C table, as the executor calls it.
#include "test/unit/targets/RnpuTestKit.h"

#include "targets/Rnpu/Simulator/SimulatorDevice.h"

#include "catch2/catch.hpp"

using namespace llmc::rnpu;
using namespace llmc::rnpu::test;

namespace {

Machine namedMachine() {
  Machine m = smallMachine();
  for (size_t i = 0; i < m.digest.size(); ++i)
    m.digest[i] = uint8_t(i * 7 + 1);
  return m;
}

std::vector<uint8_t> blobOf(const Program &program) {
  std::string error;
  const auto blob = encode({namedMachine().digest, program}, error);
  INFO(error);
  REQUIRE(blob);
  return *blob;
}

struct Call {
  llmc_operand_view views[5] = {};
  llmc_dispatch dispatch{};
  std::vector<uint32_t> params = {0, 1, 1};
  Call(const std::vector<uint8_t> &blob, uint32_t kernel) {
    dispatch.kernel = kernel;
    dispatch.code = blob.data();
    dispatch.code_size = blob.size();
    dispatch.operands = views;
    dispatch.n_operands = 5;
    dispatch.params = params.data();
    dispatch.n_params = uint32_t(params.size());
  }
  void bind(Space space, std::vector<uint8_t> &memory) {
    views[unsigned(space)].base = memory.data();
    views[unsigned(space)].size = memory.size();
  }
};

} // namespace

TEST_CASE("a loaded kernel runs on the operands of its dispatch") {
  SimulatorDevice npu(namedMachine());
  const llmc_device &t = npu.table();
  std::vector<float> expected;
  Gemv g = makeGemv(16, 96, 2, {ElementType::I4, ScaleKind::MultiplierF32Row, 32}, 31, expected);
  const std::vector<uint8_t> blob = blobOf(g.program);
  REQUIRE(t.attach(t.ctx, nullptr, 0).code == LLMC_OK);
  REQUIRE(t.load(t.ctx, 3, blob.data(), blob.size()).code == LLMC_OK);
  Call call(blob, 3);
  call.bind(Space::Weights, g.weights);
  call.bind(Space::Io, g.io);
  const llmc_status status = t.submit(t.ctx, &call.dispatch);
  INFO(npu.error());
  REQUIRE(status.code == LLMC_OK);
  CHECK(t.poll(t.ctx, 0, 1).code == LLMC_OK);
  CHECK(g.result() == expected);
  CHECK(npu.dispatches() == 1);
  const uint64_t once = npu.stats().cycles;
  CHECK(once > 0);
  REQUIRE(t.submit(t.ctx, &call.dispatch).code == LLMC_OK);
  CHECK(npu.stats().cycles == 2 * once);
  npu.clearStats();
  CHECK(npu.stats().cycles == 0);
}

TEST_CASE("match compares target, machine and description") {
  SimulatorDevice npu(namedMachine());
  const llmc_device &t = npu.table();
  llmc_target_info info{};
  info.backend = "rnpu";
  info.backend_size = 4;
  info.device = "small";
  info.device_size = 5;
  const MachineDigest digest = namedMachine().digest;
  info.config = digest.data();
  CHECK(t.match(t.ctx, &info).code == LLMC_OK);
  MachineDigest other = digest;
  other[31] ^= 1;
  info.config = other.data();
  CHECK(t.match(t.ctx, &info).code == LLMC_DEVICE_MISMATCH);
  CHECK(npu.error().find("another description of 'small'") != std::string::npos);
  info.device_size = 4;
  CHECK(t.match(t.ctx, &info).code == LLMC_DEVICE_MISMATCH);
  CHECK(npu.error().find("'smal'") != std::string::npos);
}

TEST_CASE("a fault is a device error whose text can be read") {
  SimulatorDevice npu(namedMachine());
  const llmc_device &t = npu.table();
  std::vector<float> expected;
  Gemv g = makeGemv(16, 96, 2, {}, 32, expected);
  g.program.body.commands[3].waits[0].value -= 1;
  const std::vector<uint8_t> blob = blobOf(g.program);
  REQUIRE(t.load(t.ctx, 0, blob.data(), blob.size()).code == LLMC_OK);
  Call call(blob, 0);
  call.bind(Space::Weights, g.weights);
  call.bind(Space::Io, g.io);
  const llmc_status status = t.submit(t.ctx, &call.dispatch);
  CHECK(status.code == LLMC_DEVICE_FAULT);
  CHECK(status.where == LLMC_AT_KERNEL);
  CHECK(npu.error().find("entry 'gemv', tensor command") != std::string::npos);
  CHECK(npu.error().find("'mm1'") != std::string::npos);
}

TEST_CASE("blobs are not trusted") {
  SimulatorDevice npu(namedMachine());
  const llmc_device &t = npu.table();
  std::vector<float> expected;
  const Gemv g = makeGemv(16, 96, 2, {}, 33, expected);
  std::vector<uint8_t> blob = blobOf(g.program);
  for (size_t size : {size_t(0), size_t(3), blob.size() / 2, blob.size() - 1})
    CHECK(t.load(t.ctx, 5, blob.data(), size).code == LLMC_BAD_STRUCTURE);
  CHECK(npu.error().find("kernel 5: ") == 0);
  SECTION("for another machine") {
    SimulatorDevice other(smallMachine());
    CHECK(other.table().load(other.table().ctx, 0, blob.data(), blob.size()).code ==
          LLMC_DEVICE_MISMATCH);
  }
  SECTION("more than the machine has") {
    Gemv big = g;
    big.program.sramBytes = 2 << 20;
    blob = blobOf(big.program);
    CHECK(t.load(t.ctx, 0, blob.data(), blob.size()).code == LLMC_BAD_VALUE);
  }
  SECTION("wrong operands or parameters") {
    Call call(blob, 0);
    call.dispatch.n_operands = 4;
    CHECK(t.submit(t.ctx, &call.dispatch).code == LLMC_INVALID_ARGUMENT);
    CHECK(npu.error().find("4 operands") != std::string::npos);
  }
}

TEST_CASE("corrupt blobs never do harm") {
  std::vector<float> expected;
  Gemv g = makeGemv(8, 32, 1, {}, 34, expected);
  const std::vector<uint8_t> good = blobOf(g.program);
  std::mt19937 random(35);
  unsigned accepted = 0;
  for (int i = 0; i < 400; ++i) {
    std::vector<uint8_t> blob = good;
    for (int flips = 1 + int(random() % 2); flips-- > 0;)
      blob[random() % blob.size()] ^= uint8_t(1u << random() % 8);
    SimulatorDevice npu(namedMachine());
    const llmc_device &t = npu.table();
    if (t.load(t.ctx, 0, blob.data(), blob.size()).code != LLMC_OK) {
      CHECK(!npu.error().empty());
      continue;
    }
    ++accepted;
    Call call(blob, 0);
    call.bind(Space::Weights, g.weights);
    call.bind(Space::Io, g.io);
    if (t.submit(t.ctx, &call.dispatch).code != LLMC_OK)
      CHECK(!npu.error().empty());
  }
  CHECK(accepted > 0);
}

TEST_CASE("state is valid where the NPU wrote it or the host cleaned it") {
  SimulatorDevice npu(namedMachine());
  const llmc_device &t = npu.table();
  std::vector<uint8_t> state(256), io(256);
  Program p;
  p.entry = "read";
  p.sramBytes = 64;
  p.prologue.commands = {
      commandOf(Engine::Load, copyOf(at(Space::State, 64), at(Space::Sram, 0), 64), {}, "in")};
  const std::vector<uint8_t> blob = blobOf(p);
  Call call(blob, 0);
  call.bind(Space::State, state);
  call.bind(Space::Io, io);
  CHECK(t.submit(t.ctx, &call.dispatch).code == LLMC_DEVICE_FAULT);
  CHECK(npu.error().find("never written") != std::string::npos);
  t.clean(t.ctx, state.data() + 64, 63);
  CHECK(t.submit(t.ctx, &call.dispatch).code == LLMC_DEVICE_FAULT);
  t.clean(t.ctx, state.data() + 120, 1000);
  CHECK(t.submit(t.ctx, &call.dispatch).code == LLMC_OK);
  t.reset(t.ctx);
  CHECK(t.submit(t.ctx, &call.dispatch).code == LLMC_DEVICE_FAULT);
}
