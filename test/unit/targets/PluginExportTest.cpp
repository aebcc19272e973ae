// Targets of this tree, through the tables that they are registered by.
#include "targets/Plugin/CheckPlugin.h"
#include "targets/Plugin/Export.h"
#include "targets/Plugin/PluginTarget.h"
#include "targets/Rnpu/RnpuTarget.h"
#include "targets/X86/X86Target.h"
#include "test/unit/targets/KnownTarget.h"
#include "test/unit/targets/RandomProgram.h"

#include "catch2/catch.hpp"

using namespace llmc;
using namespace llmc::target;
using llmc::test::KnownTarget;

namespace {

constexpr WeightFormat w8{ElementType::I8, ScaleKind::F32Row, 0};

KnownTarget behind(const ExportedPlugin &exported) {
  return KnownTarget(
      std::make_unique<PluginTarget>("llmc", *exported.table().targets[0], nobodyWatches()));
}

Matmul linear() {
  Matmul matmul;
  matmul.tokens = {1};
  matmul.n = {8};
  matmul.k = {64};
  return matmul;
}

} // namespace

TEST_CASE("a target of this tree answers through the interface as it does itself") {
  const ExportedPlugin exported(rnpu::createTarget());
  REQUIRE(pluginProblem(&exported.table()) == "");
  const KnownTarget direct(rnpu::createTarget());
  const KnownTarget through = behind(exported);
  REQUIRE(through.machines().size() == direct.machines().size());
  CHECK(through->readsRowRecords() == direct->readsRowRecords());
  for (size_t m = 0; m < direct.machines().size(); ++m) {
    const Machine &machine = direct.machines()[m];
    CHECK(through.machines()[m].digest == machine.digest);
    CHECK(through->rowGranule(machine) == direct->rowGranule(machine));
    CHECK(through->cycles(machine, linear()) == direct->cycles(machine, linear()));
    CHECK(through->dmaCycles(machine, Space::State, 160, 10, true) ==
          direct->dmaCycles(machine, Space::State, 160, 10, true));
    CHECK(through->supports(machine, Attention()).reason ==
          direct->supports(machine, Attention()).reason);
    for (uint32_t seed = 0; seed < 20; ++seed) {
      Program program = test::RandomProgram(seed).image().program;
      std::string expectedError, error;
      const auto expected = direct->emit(machine, program, expectedError),
                 code = through->emit(machine, program, error);
      CHECK(code == expected);
      CHECK(error == expectedError);
    }
    std::string error;
    const auto device = through->openDevice(machine, "", error);
    REQUIRE(device);
    CHECK(device->isa() == "simulated");
    REQUIRE(device->figures());
    CHECK(device->figures()->memories.size() == machine.memories.size());
  }
}

TEST_CASE("variants and sizes of x86-64 are the same through the interface") {
  const ExportedPlugin exported(x86::createTarget());
  const KnownTarget direct(x86::createTarget());
  const KnownTarget through = behind(exported);
  REQUIRE(through.machines().size() == 1);
  const Machine &machine = through.machines()[0];
  const std::vector<Variant> expected = direct->variants(machine),
                             given = through->variants(machine);
  REQUIRE(given.size() == expected.size());
  for (size_t i = 0; i < given.size(); ++i) {
    CHECK(given[i].name == expected[i].name);
    CHECK(given[i].abi == expected[i].abi);
    CHECK(given[i].driverMin == expected[i].driverMin);
    CHECK(given[i].stackBytes == expected[i].stackBytes);
  }
  const PackRows rows{{16}, 1, 96, 0};
  CHECK(through->packedRowsBytes(machine, rows) == direct->packedRowsBytes(machine, rows));
  CHECK(through->packedBytes(machine, w8, 40, 96) == direct->packedBytes(machine, w8, 40, 96));
  CHECK(through->packedBytes(machine, {ElementType::I8, ScaleKind::F16Group, 12}, 16, 96) == 0);
  CHECK_FALSE(through->hasDevice());
  std::string error;
  CHECK_FALSE(through->openDevice(machine, "avx2", error));
  CHECK(error == "target 'x86-64' has no device for machine 'x86-64' on this computer");
}
