// What a machine can run, and which of a plan's targets a host takes.
#include "runtime/drivers/cpu/cpu_device.h"
#include "test/unit/runtime/cpu_fixture.h"

#include "catch2/catch.hpp"
#include <algorithm>
#include <fstream>

using namespace llmc::test;
using namespace llmc::rt::cpu;
using Catch::Matchers::Contains;

TEST_CASE("features are those the system reports") {
  std::ifstream file("/proc/cpuinfo");
  std::string flags;
  for (std::string line; flags.empty() && std::getline(file, line);)
    if (line.rfind("flags", 0) == 0)
      flags = line.substr(line.find(':') + 1) + " ";
  if (flags.empty() || !hostProbe().x86)
    return;
  const auto has = [&](const char *name) {
    return flags.find(" " + std::string(name) + " ") != std::string::npos;
  };
  const auto hasAll = [&](std::initializer_list<const char *> names) {
    return std::all_of(names.begin(), names.end(), has);
  };
  const bool avx2 = hasAll({"avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"});
  const bool avx512 =
      avx2 && hasAll({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni"});
  CHECK(missingFor(Isa::Avx2, hostProbe()).empty() == avx2);
  CHECK(missingFor(Isa::Avx512, hostProbe()).empty() == avx512);
  const std::string amx = missingFor(Isa::Amx, hostProbe());
  if (!avx512 || !hasAll({"amx_tile", "amx_int8"}))
    CHECK_FALSE(amx.empty());
  else
    CHECK((amx.empty() || amx == "the operating system's permission to use AMX tiles"));
}

TEST_CASE("a machine needs the registers saved and the tiles permitted") {
  CpuProbe probe = completeCpu();
  CHECK(missingFor(Isa::Amx, probe).empty());
  probe.permitTiles = [] { return false; };
  CHECK_THAT(missingFor(Isa::Amx, probe), Contains("permission"));
  CHECK(missingFor(Isa::Avx512, probe).empty());
  probe.savedStates = [] { return uint64_t(0x7); };
  CHECK_THAT(missingFor(Isa::Avx512, probe), Contains("registers of avx512"));
  CHECK(missingFor(Isa::Avx2, probe).empty());
  probe.cpuid = [](uint32_t leaf, uint32_t) {
    return leaf == 1 ? CpuidWords{0, 0, ~(1u << 27), 0} : CpuidWords{~0u, ~0u, ~0u, ~0u};
  };
  CHECK_THAT(missingFor(Isa::Avx2, probe), Contains("registers of avx2"));
  probe.cpuid = [](uint32_t, uint32_t) { return CpuidWords(); };
  CHECK_THAT(missingFor(Isa::Amx, probe), Contains("avx2, ") && Contains("amx_int8"));
}

TEST_CASE("a host binds the best variant the machine can run") {
  const llmc::PlanDescription description = cpuPlan({"amx", "avx512", "avx2"});
  const Machine machine(description);
  std::string error;
  const CpuProbe complete = completeCpu(), plain = plainAvx2Cpu();
  CHECK(chooseTarget(machine.plan, std::nullopt, complete, error) == 0u);
  CHECK(chooseTarget(machine.plan, Isa::Avx512, complete, error) == 1u);
  CHECK(chooseTarget(machine.plan, std::nullopt, plain, error) == 2u);
  CHECK_FALSE(chooseTarget(machine.plan, Isa::Avx512, plain, error));
  CHECK(error == "this machine cannot run the plan's code: avx512 needs avx512_vnni");
  CHECK_FALSE(chooseTarget(Machine(cpuPlan({"avx2"})).plan, Isa::Amx, complete, error));
  CHECK(error == "the plan has no code for amx; it has it for avx2");
  CHECK_FALSE(chooseTarget(Machine(languageModel()).plan, std::nullopt, complete, error));
  CHECK_THAT(error, Contains("no target of 'x86-64'"));
  CpuProbe none = completeCpu();
  none.savedStates = [] { return uint64_t(2); };
  CHECK_FALSE(chooseTarget(machine.plan, std::nullopt, none, error));
  CHECK_THAT(error, Contains("avx2 needs an operating system that saves the registers"));
  none.x86 = false;
  CHECK_FALSE(chooseTarget(machine.plan, std::nullopt, none, error));
  CHECK_THAT(error, Contains("an x86-64 CPU"));
}
