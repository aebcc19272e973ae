// The host's CPU as a device: real code, the memory it stands in, and what is refused.
#include "runtime/drivers/cpu/cpu_device.h"
#include "runtime/schema/explain.h"
#include "test/unit/runtime/cpu_plan.h"

#include "catch2/catch.hpp"
#include <fstream>
#include <sstream>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif
#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace llmc;
using namespace llmc::test;
using namespace llmc::rt::cpu;
using Catch::Matchers::Contains;
using rt::Status;

namespace {

std::unique_ptr<WorkerPool> poolOf(uint32_t threads) {
  PoolOptions options;
  options.threads = threads;
  std::string error;
  auto pool = WorkerPool::create(options, error);
  INFO(error);
  REQUIRE(pool);
  return pool;
}

/// A CPU that has everything, but for what a test takes away.
CpuProbe completeCpu() {
  CpuProbe probe;
  probe.x86 = true;
  probe.cpuid = [](uint32_t, uint32_t) { return CpuidWords{~0u, ~0u, ~0u, ~0u}; };
  probe.savedStates = [] { return ~uint64_t(0); };
  probe.permitTiles = [] { return true; };
  return probe;
}

/// The same without AVX-512 VNNI and AMX.
CpuProbe plainAvx2Cpu() {
  CpuProbe probe = completeCpu();
  probe.cpuid = [](uint32_t leaf, uint32_t) {
    return leaf == 7 ? CpuidWords{~0u, ~0u, ~(1u << 11), 0} : CpuidWords{~0u, ~0u, ~0u, ~0u};
  };
  return probe;
}

/// A plan with its memory and a device for one of its targets.
struct CpuMachine : Machine {
  CpuMachine(const PlanDescription &description, WorkerPool &pool, uint32_t target = 0,
             const CpuProbe &probe = hostProbe())
      : Machine(description), target(target), cpu(plan, target, pool, probe) {}

  Status bind() {
    std::vector<llmc_memory> views;
    for (const Memory &memory : memories)
      views.push_back(memory.view());
    std::vector<const llmc_device *> devices(plan.nTargets(), nullptr);
    devices[target] = &cpu.table();
    rt::Bindings bindings;
    bindings.memories = {views.data(), views.size()};
    bindings.devices = {devices.data(), devices.size()};
    return session.bind(plan, bindings);
  }
  Status run(uint32_t entry) {
    rt::Call call;
    call.entry = entry;
    call.nTokens = 1;
    return session.run(call);
  }
  std::vector<uint32_t> words(uint16_t operand) const {
    llmc_operand_view view;
    REQUIRE(session.view(operand, &view).ok());
    const auto *data = static_cast<const uint32_t *>(view.base);
    return {data, data + view.size / 4};
  }

  const uint32_t target;
  CpuDevice cpu;
};

bool hostRuns(Isa isa) {
  const std::string missing = missingFor(isa, hostProbe());
  if (!missing.empty())
    WARN("skipped: no " << nameOf(isa) << ", this machine lacks " << missing);
  return missing.empty();
}

/// Permissions of the mapping that holds an address, as in "r-xp"; empty where there is none.
std::string permissionsAt(const void *address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t from = 0, to = 0;
    char dash = 0;
    std::string permissions;
    std::istringstream(line) >> std::hex >> from >> dash >> to >> permissions;
    if (reinterpret_cast<uintptr_t>(address) - from < to - from)
      return permissions;
  }
  return "";
}

/// Executable mappings that are of no file.
unsigned anonymousCode() {
  std::ifstream maps("/proc/self/maps");
  unsigned count = 0;
  for (std::string line; std::getline(maps, line);) {
    std::string range, permissions, offset, device, inode, name;
    std::istringstream(line) >> range >> permissions >> offset >> device >> inode >> name;
    count += permissions.find('x') != std::string::npos && name.empty();
  }
  return count;
}

} // namespace

TEST_CASE("kernels give the same bytes with any number of threads") {
  if (!hostRuns(Isa::Avx2))
    return;
  const uint32_t threads = GENERATE(1u, 2u, 3u);
  const auto pool = poolOf(threads);
  CpuMachine machine(cpuPlan({"avx2"}), *pool);
  const Status bound = machine.bind();
  INFO(rt::explain(bound) << machine.cpu.error());
  REQUIRE(bound.ok());
  for (const uint32_t seed : {7u, 1000u}) {
    if (seed != 7) // the parameter's default
      REQUIRE(machine.session.setParam(cpuSeedParam, seed).ok());
    REQUIRE(machine.run(0).ok());
    const std::vector<uint32_t> filled = machine.words(cpuFilled);
    const std::vector<uint32_t> scaled = machine.words(cpuScaled);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < cpuWords; ++i)
      wrong += filled[i] != seed + 3 * i || scaled[i] != (seed + 3 * i) * cpuFactor;
    CHECK(wrong == 0);
  }
  const std::vector<uint32_t> who = machine.words(cpuWho);
  for (uint32_t part = 0; part < threads; ++part)
    CHECK(who[part] == threads);
}

#if defined(__x86_64__)
TEST_CASE("kernels compute by the same floating-point rules whatever the program set") {
  if (!hostRuns(Isa::Avx2))
    return;
  const unsigned before = _mm_getcsr();
  const unsigned flushing = 0x9FC0 | 0x6000; // denormals flushed and taken for zero, to zero
  _mm_setcsr(flushing);
  const auto pool = poolOf(2); // its threads inherit them
  CpuMachine machine(cpuPlan({"avx2"}), *pool);
  const bool ran = machine.bind().ok() && machine.run(0).ok();
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  REQUIRE(ran);
  CHECK((after & ~0x3Fu) == (flushing & ~0x3Fu));
  const std::vector<uint32_t> who = machine.words(cpuWho);
  CHECK((who[16] & ~0x3Fu) == 0x1F80);
  CHECK((who[17] & ~0x3Fu) == 0x1F80);
}
#endif

TEST_CASE("a host binds the best variant the machine can run") {
  const auto pool = poolOf(1);
  const PlanDescription description = cpuPlan({"amx", "avx512", "avx2"});
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

TEST_CASE("every variant of one plan gives the same bytes, alone among its targets") {
  const auto pool = poolOf(2);
  const std::vector<std::string> variants = {"amx", "avx512", "avx2"};
  for (uint32_t t = 0; t < 3; ++t) {
    if (!hostRuns(*isaNamed(variants[t])))
      continue;
    CpuMachine machine(cpuPlan(variants), *pool, t);
    const Status bound = machine.bind();
    INFO(rt::explain(bound) << machine.cpu.error());
    REQUIRE(bound.ok());
    for (uint32_t entry = 0; entry < 3; ++entry)
      CHECK(machine.run(entry).ok() == (entry == t));
    CHECK(machine.words(cpuScaled)[100] == 307 * cpuFactor);
  }
}

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

TEST_CASE("foreign plans are refused with a sentence") {
  const auto pool = poolOf(1);
  const CpuProbe plain = plainAvx2Cpu();
  PlanDescription description = cpuPlan({"avx512"});
  std::string expected;
  SECTION("a missing feature") {
    expected = "the plan's variant 'avx512' needs avx512_vnni, which this machine lacks";
  }
  SECTION("an unknown variant") {
    description.targets[0].variant = "avx10";
    expected = "the plan's variant 'avx10' is not known; known are amx, avx512, avx2";
  }
  SECTION("another backend") {
    description.targets[0].backend = "rnpu";
    expected = "the plan's target is of 'rnpu', this device is of 'x86-64'";
  }
  SECTION("another calling convention") {
    description.targets[0].abi = 9;
    for (rt::Kernel &kernel : description.kernels)
      kernel.abi = 9;
    expected = "convention 9, this program knows 1";
  }
  SECTION("a newer driver") {
    description.targets[0].driverMin = 2;
    expected = "driver version 2, this is 1";
  }
  CpuMachine machine(description, *pool, 0, plain);
  const Status status = machine.bind();
  CHECK(int(status.code) == LLMC_DEVICE_MISMATCH);
  CHECK_THAT(machine.cpu.error(), Contains(expected));
}

TEST_CASE("a build for another CPU says so") {
  const auto pool = poolOf(1);
  const CpuProbe foreign; // what such a build has
  CpuMachine machine(cpuPlan({"avx2"}), *pool, 0, foreign);
  const llmc_target_info info = machine.plan.target(0);
  const llmc_device &table = machine.cpu.table();
  CHECK(int(table.match(table.ctx, &info).code) == LLMC_UNSUPPORTED);
  CHECK_THAT(machine.cpu.error(), Contains("another CPU than x86-64"));
}

TEST_CASE("kernels that leave their bounds are refused at load") {
  const auto pool = poolOf(1);
  CpuMachine machine(cpuPlan({"avx2", "avx512"}), *pool, 0, completeCpu());
  const llmc_device &table = machine.cpu.table();
  std::vector<llmc_memory> views;
  for (const Memory &memory : machine.memories)
    views.push_back(memory.view());
  REQUIRE(int(table.attach(table.ctx, views.data(), uint32_t(views.size())).code) == LLMC_OK);
  // The records as they are read: a plan that open accepted cannot hold these values.
  auto &record = const_cast<rt::Kernel &>(machine.plan.kernels()[cpuScale]);
  const uint8_t *code = machine.memories[0].data() + record.offset;
  uint32_t kernel = cpuScale, size = record.size;
  std::string expected;
  SECTION("an entry past the end") {
    record.entry = size;
    expected = "kernel 1 'scale' begins at byte 128 of its 128";
  }
  SECTION("more bytes than the segment has") {
    record.size = size = 4096;
    expected = "kernel 1 'scale' of 4096 bytes at 64 leaves its segment of 264";
  }
  SECTION("other bytes than the plan says") {
    size = 64;
    expected = "kernel 1 'scale' of 64 bytes";
  }
  SECTION("too much stack") {
    record.stackBytes = LLMC_CPU_STACK_BYTES + 1;
    expected = "needs 262145 bytes of stack; threads guarantee 262144";
  }
  SECTION("another target's") {
    kernel = cpuKernels + cpuScale;
    expected = "kernel 4 'scale' belongs to target 1, this device runs 0";
  }
  SECTION("no such kernel") {
    kernel = 6;
    expected = "kernel 6 is not among the plan's 6";
  }
  CHECK(Status(table.load(table.ctx, kernel, code, size)).failed());
  CHECK_THAT(machine.cpu.error(), Contains(expected));
  llmc_dispatch dispatch = {};
  dispatch.kernel = kernel;
  CHECK(Status(table.submit(table.ctx, &dispatch)).failed());
  CHECK_THAT(machine.cpu.error(), Contains("was not loaded"));
}

TEST_CASE("a plan whose entry lies outside its kernel does not open") {
  PlanDescription description = cpuPlan({"avx2"});
  description.kernels[cpuScale].entry = description.kernels[cpuScale].size;
  CHECK_THROWS_WITH(Machine(description), Contains("kernel"));
}

TEST_CASE("a region without memory is refused") {
  const auto pool = poolOf(1);
  CpuMachine machine(cpuPlan({"avx2"}), *pool, 0, completeCpu());
  const llmc_device &table = machine.cpu.table();
  const llmc_memory views[] = {machine.memories[0].view(), {nullptr, 1u << 20}};
  CHECK(Status(table.attach(table.ctx, views, 2)).failed());
  CHECK_THAT(machine.cpu.error(), Contains("region 'ram' has no memory"));
  CHECK(Status(table.attach(table.ctx, views, 1)).failed());
  CHECK_THAT(machine.cpu.error(), Contains("memory for 1 regions, but the plan has 2"));
}

#if defined(__linux__)
TEST_CASE("code is executable and not writable, and gone with its owner") {
  const std::vector<uint8_t> bytes(5000, 0xC3);
  const size_t alignment = GENERATE(size_t(1), size_t(128), size_t(1) << 16);
  std::string error;
  auto blob = ExecutableBlob::create({bytes.data(), bytes.size()}, alignment, error);
  INFO(error);
  REQUIRE(blob);
  const uint8_t *code = blob->code().data;
  CHECK(blob->code().size == bytes.size());
  CHECK(reinterpret_cast<uintptr_t>(code) % std::max<size_t>(alignment, 4096) == 0);
  CHECK(std::memcmp(code, bytes.data(), bytes.size()) == 0);
  CHECK(permissionsAt(code) == "r-xp");
  CHECK(permissionsAt(code + 4999) == "r-xp");
  const unsigned withBlob = anonymousCode();
  blob.reset();
  CHECK(anonymousCode() == withBlob - 1);
}

TEST_CASE("the kernels of a segment share one mapping") {
  if (!hostRuns(Isa::Avx2))
    return;
  const auto pool = poolOf(1);
  const unsigned before = anonymousCode();
  {
    CpuMachine machine(cpuPlan({"avx2", "avx512"}), *pool);
    CHECK(anonymousCode() == before);
    REQUIRE(machine.bind().ok());
    CHECK(anonymousCode() == before + 1);
    REQUIRE(machine.bind().ok());
    CHECK(anonymousCode() == before + 1);
    CHECK(permissionsAt(machine.memories[0].data()) == "rw-p");
    REQUIRE(machine.run(0).ok());
  }
  CHECK(anonymousCode() == before);
}

TEST_CASE("a system that forbids executable memory is named as the reason") {
  constexpr int setMdwe = 65, allowed = 10, refused = 11, unclear = 12, noPolicy = 13;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::prctl(setMdwe, 1ul, 0ul, 0ul, 0ul) != 0)
      ::_exit(noPolicy);
    const uint8_t code[] = {0xC3};
    std::string error;
    if (ExecutableBlob::create({code, 1}, 1, error))
      ::_exit(allowed);
    ::_exit(error.find("refuses to make memory executable") != std::string::npos ? refused
                                                                                 : unclear);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == noPolicy)
    WARN("skipped: this kernel cannot forbid executable memory");
  else
    CHECK(WEXITSTATUS(status) == refused);
}
#endif
