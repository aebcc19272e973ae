// The whole chain on small random models: the simulated NPU equals the reference evaluator bit for
// bit.
#include "test/unit/compiler/ChainKit.h"

#include "targets/Rnpu/RnpuTarget.h"
#include "targets/Rnpu/Simulator/SimulatorDevice.h"

#include "catch2/catch.hpp"

using namespace mlir;

namespace llmc::test {
namespace {

/// With `sramBytes`, on that much of it; `missing` then names an entry that must not fit.
void compareAll(const ChainShape &shape, const std::string &machineName, uint64_t sramBytes = 0,
                const char *missing = nullptr) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = chainModule(context, shape);
  std::string error;
  std::unique_ptr<target::Target> target = rnpu::createTarget({}, error);
  REQUIRE(target);
  std::optional<target::Machine> machine;
  for (const target::Machine &known : target->machines())
    if (known.name == machineName)
      machine = known;
  REQUIRE(machine);
  for (target::Memory &memory : machine->memories)
    if (sramBytes && memory.kind == target::MemoryKind::Sram)
      memory.bytes = sramBytes;
  const std::vector<int32_t> ids = chainIds(shape);
  const std::vector<float> expected = referenceLogits(*module, ids);
  CompiledPlan compiled(*module, *target, *machine, noServices(), shape);
  if (missing)
    REQUIRE(!module->lookupSymbol(missing));
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

TEST_CASE("an entry that does not fit leaves the others right") {
  compareAll(ChainShape(), "rnpu-soc", 56 * 1024, "prefill_64");
}

} // namespace llmc::test
