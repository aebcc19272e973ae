// The whole chain on small random models: the simulated NPU equals the reference evaluator bit for
// bit.
#include "test/unit/compiler/ChainKit.h"
#include "test/unit/compiler/NoServices.h"
#include "test/unit/targets/KnownTarget.h"

#include "dialects/Npu/Npu.h"
#include "targets/Rnpu/RnpuTarget.h"
#include "targets/Rnpu/Simulator/SimulatorDevice.h"

#include "catch2/catch.hpp"

using namespace mlir;

namespace llmc::test {
namespace {

enum class Chunk64 { Whole, Staged, Missing };

/// With `sramBytes`, on that much of it.
void compareAll(const ChainShape &shape, const std::string &machineName, uint64_t sramBytes = 0,
                Chunk64 chunk64 = Chunk64::Whole) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = chainModule(context, shape);
  const KnownTarget target(rnpu::createTarget());
  INFO(target.error());
  REQUIRE(!target.machines().empty());
  std::optional<target::Machine> machine;
  for (const target::Machine &known : target.machines())
    if (known.name == machineName)
      machine = known;
  REQUIRE(machine);
  for (target::Memory &memory : machine->memories)
    if (sramBytes && memory.kind == target::MemoryKind::Sram)
      memory.bytes = sramBytes;
  const std::vector<int32_t> ids = chainIds(shape);
  const std::vector<float> expected = referenceLogits(*module, ids);
  CompiledPlan compiled(*module, {*target, *machine}, NoServices(), shape);
  auto program = module->lookupSymbol<npu::ProgramOp>("prefill_64");
  REQUIRE(bool(program) == (chunk64 != Chunk64::Missing));
  if (program)
    REQUIRE((program.getScratchBytes() != 0) == (chunk64 == Chunk64::Staged));
  rnpu::SimulatorDevice device(*machine);
  PlanSession session(compiled, device.table());
  for (size_t chunk : {1, 3, 15, 16, 17, 33, 64, 1000}) {
    INFO("chunk " << chunk);
    requireSame(session.evaluate(ids, chunk), expected, shape.vocabulary);
    INFO(device.error());
  }
}

} // namespace

TEST_CASE("every format gives the evaluator's bits on both machines") {
  auto machine = GENERATE("rnpu-soc", "rnpu-mcu");
  auto format = GENERATE("<i8, group = 0, scale = f32>", "<i4, group = 16, scale = multiplier>",
                         "<i4, group = 32, scale = f16>", "<i4, group = 32, scale = f32>");
  ChainShape shape;
  shape.format = format;
  INFO(machine << " " << format);
  compareAll(shape, machine);
}

TEST_CASE("shapes that do not divide evenly") {
  ChainShape shape;
  shape.vocabulary = 83;
  shape.ffn = 104;
  shape.heads = 6;
  shape.kvHeads = 3;
  shape.layers = 1;
  shape.capacity = 70;
  shape.format = "<i4, group = 48, scale = multiplier>";
  compareAll(shape, "rnpu-soc");
}

TEST_CASE("a context of one token") {
  ChainShape shape;
  shape.capacity = 1;
  compareAll(shape, "rnpu-soc");
}

// The simulated NPU faults where a read of scratch is not ordered behind the write.
TEST_CASE("what exceeds on-chip memory is staged through scratch") {
  auto machine = GENERATE("rnpu-soc", "rnpu-mcu");
  // First attention, gated and linear results; then the residual rows too.
  auto kilobytes = GENERATE(56, 48, 40);
  INFO(machine << " with " << kilobytes << " KB");
  compareAll(ChainShape(), machine, uint64_t(kilobytes) * 1024, Chunk64::Staged);
}

TEST_CASE("an entry that does not fit leaves the others right") {
  compareAll(ChainShape(), "rnpu-soc", 16 * 1024, Chunk64::Missing);
}

} // namespace llmc::test
