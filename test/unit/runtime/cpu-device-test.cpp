// The host's CPU as a device: real code, the memory it stands in, and what is refused.
#include "runtime/drivers/cpu/cpu_device.h"
#include "runtime/schema/explain.h"
#include "test/unit/runtime/cpu_fixture.h"

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

/// A plan with its memory and a device for one of its targets.
struct CpuMachine : Machine {
  CpuMachine(const PlanDescription &description, WorkerPool &pool, uint32_t target = 0,
             const CpuProbe &probe = hostProbe())
      : Machine(description), target(target), cpu(plan, target, pool, probe) {}

  Status bind() {
    std::vector<llmc_memory> views = viewsOf(memories);
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

TEST_CASE("a kernel that is over at once runs on the calling thread alone") {
  if (!hostRuns(Isa::Avx2))
    return;
  const auto pool = poolOf(3);
  PlanDescription plan = cpuPlan({"avx2"});
  for (rt::Kernel &kernel : plan.kernels)
    kernel.estCycles = 100;
  CpuMachine machine(plan, *pool);
  REQUIRE(machine.bind().ok());
  REQUIRE(machine.run(0).ok());
  CHECK(machine.words(cpuWho)[0] == 1);
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

TEST_CASE("tiles work on every thread of the pool") {
  if (!hostRuns(Isa::Amx))
    return;
  constexpr uint8_t code[] = {0x48, 0x8B, 0x07,                    // mov  rax, [rdi]
                              0xC4, 0xE2, 0x78, 0x49, 0x00,        // ldtilecfg [rax]
                              0xC4, 0xE2, 0x7B, 0x49, 0xC0,        // tilezero tmm0
                              0x89, 0xD2,                          // mov  edx, edx
                              0x48, 0x8B, 0x47, 0x08,              // mov  rax, [rdi + 8]
                              0x48, 0xC1, 0xE2, 0x06,              // shl  rdx, 6
                              0x48, 0x01, 0xD0,                    // add  rax, rdx
                              0xB9, 0x40, 0x00, 0x00, 0x00,        // mov  ecx, 64
                              0xC4, 0xE2, 0x7A, 0x4B, 0x04, 0x08,  // tilestored [rax + rcx], tmm0
                              0xC4, 0xE2, 0x78, 0x49, 0xC0, 0xC3}; // tilerelease; ret
  std::string error;
  const auto blob = ExecutableBlob::create({code, sizeof(code)}, 1, error);
  REQUIRE(blob);
  uint8_t config[64] = {1}; // palette
  config[16] = 64;          // bytes per row of tile 0
  config[48] = 1;           // its rows
  std::vector<uint8_t> rows(3 * 64, 0xAA);
  struct Call {
    llmc_cpu_kernel kernel;
    void *operands[2];
  } call = {reinterpret_cast<llmc_cpu_kernel>(reinterpret_cast<uintptr_t>(blob->code().data)),
            {config, rows.data()}};
  poolOf(3)->run(
      [](void *context, uint32_t part, uint32_t parts) {
        const Call &call = *static_cast<const Call *>(context);
        call.kernel(call.operands, nullptr, part, parts);
      },
      &call);
  CHECK(rows == std::vector<uint8_t>(3 * 64, 0));
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
  std::vector<llmc_memory> views = viewsOf(machine.memories);
  REQUIRE(int(table.attach(table.ctx, views.data(), uint32_t(views.size())).code) == LLMC_OK);
  // The records as they are read: a plan that open accepted cannot hold these values.
  auto &record = const_cast<rt::Kernel &>(machine.plan.kernels()[cpuScale]);
  const uint8_t *code = machine.memories[0].data();
  uint32_t kernel = cpuScale, size = machine.plan.blobs()[record.blob].size;
  std::string expected;
  SECTION("an entry past the end") {
    record.entry = size;
    expected = "kernel 1 begins at byte 264 of its 264";
  }
  SECTION("other bytes than the plan says") {
    size = 64;
    expected = "kernel 1 was given 64 bytes of code; its blob has 264";
  }
  SECTION("too much stack") {
    record.stack = LLMC_CPU_STACK_BYTES / rt::stackUnit + 1;
    expected = "needs 262160 bytes of stack; threads guarantee 262144";
  }
  SECTION("another target's") {
    kernel = cpuKernels + cpuScale;
    expected = "kernel 4 belongs to target 1, this device runs 0";
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
  description.kernels[cpuScale].entry = description.blobs[0].size;
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
