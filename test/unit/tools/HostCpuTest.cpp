// Plans of a CPU as the commands run them: which target, which threads, which figures.
#include "tools/llmc/HostCpu.h"
#include "runtime/drivers/cpu/kernel_abi.h"
#include "runtime/drivers/cpu/worker_pool.h"
#include "test/unit/runtime/cpu_fixture.h"
#include "test/unit/tools/CountedAllocations.h"
#include "tools/llmc/Errors.h"
#include "tools/llmc/Generation.h"
#include "tools/llmc/PlanRunner.h"

#include "catch2/catch.hpp"
#include <cstdio>
#include <fstream>

using namespace llmc;
using namespace llmc::test;
using rt::cpu::Isa;

namespace {

/// A plan file that is gone at the end of the test.
struct PlanOnDisk {
  explicit PlanOnDisk(const PlanDescription &description) {
    const std::vector<uint8_t> bytes = planBytes(description);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(bytes.data()), std::streamsize(bytes.size()));
  }
  ~PlanOnDisk() { std::remove(path.c_str()); }
  const std::string path = "host-cpu-test.llmc";
};

DeviceRegistry registry() {
  DeviceRegistry devices;
  devices.add(
      LLMC_CPU_BACKEND,
      [](const rt::Plan &plan, uint32_t, const DeviceOptions &options, std::string &error) {
        return createHostCpu(plan, options, error);
      },
      /*takesOptions=*/true);
  return devices;
}

/// A simulated device that is never given anything to do.
class Simulated : public Device {
public:
  explicit Simulated(uint32_t target) : planTarget(target) {
    device.struct_size = sizeof(device);
    device.abi = LLMC_DEVICE_ABI;
    device.match = [](void *, const llmc_target_info *) -> llmc_status { return rt::Status(); };
    device.submit = [](void *, const llmc_dispatch *) -> llmc_status {
      return rt::Status(LLMC_DEVICE_FAULT);
    };
    device.poll = [](void *, uint32_t, uint32_t) -> llmc_status { return rt::Status(); };
  }
  const llmc_device &table() const override { return device; }
  std::string error() const override { return ""; }
  uint32_t target() const override { return planTarget; }
  std::string isa() const override { return "simulated"; }
  uint32_t threads() const override { return 1; }
  std::optional<DeviceFigures> figures() const override { return DeviceFigures(); }
  void clearFigures() override {}
  double readBytesPerSecond() const override { return 1; }
  double int8OpsPerSecond() const override { return 1; }
  double sustainedInt8OpsPerSecond(double) const override { return 1; }
  uint64_t lastLevelCacheBytes() const override { return 0; }

private:
  const uint32_t planTarget;
  llmc_device device = {};
};

bool hostRuns(Isa isa) {
  const std::string missing = rt::cpu::missingFor(isa, rt::cpu::hostProbe());
  if (!missing.empty())
    WARN("skipped: no " << rt::cpu::nameOf(isa) << ", this machine lacks " << missing);
  return missing.empty();
}

std::string refusal(const PlanDescription &description, const DeviceOptions &options) {
  const PlanOnDisk file(description);
  try {
    PlanRunner(file.path, registry(), options);
  } catch (const InputError &error) {
    return error.what();
  }
  return "";
}

const std::vector<std::string> allVariants = {"avx2", "avx512", "amx"};

} // namespace

TEST_CASE("the wanted instruction set runs, the best without a wish, with the same results") {
  if (!hostRuns(Isa::Avx2))
    return;
  const PlanOnDisk file(cpuModel(allVariants));
  const std::vector<int32_t> ids = {5, 6, 7};
  Isa best = Isa::Avx2;
  for (const Isa isa : rt::cpu::allIsas) {
    if (!hostRuns(isa))
      continue;
    best = isa;
    for (const uint32_t threads : {1u, 2u, 3u}) {
      PlanRunner runner(file.path, registry(), {threads, isa});
      CHECK(runner.device().isa() == rt::cpu::nameOf(isa));
      CHECK(runner.device().threads() == threads);
      CHECK(runner.device().target() == uint32_t(isa));
      CHECK_FALSE(runner.device().figures());
      const rt::Logits logits = runner.feed(ids);
      REQUIRE(logits.vocab == cpuVocabulary);
      CHECK(runner.lm().position() == 3);
      uint32_t wrong = 0;
      for (uint32_t i = 0; i < cpuVocabulary; ++i) {
        uint32_t word;
        std::memcpy(&word, logits.data + i, sizeof(word));
        wrong += word != 7 + 3 * i;
      }
      CHECK(wrong == 0);
    }
  }
  PlanRunner runner(file.path, registry());
  CHECK(runner.device().isa() == rt::cpu::nameOf(best));
  CHECK(runner.device().threads() == rt::cpu::availableCpus());
}

TEST_CASE("the best that a plan has is enough") {
  if (!hostRuns(Isa::Avx2))
    return;
  const PlanOnDisk file(cpuModel({"avx2"}));
  CHECK(PlanRunner(file.path, registry()).device().isa() == "avx2");
}

TEST_CASE("options that cannot be met are one error") {
  CHECK(refusal(cpuModel({"avx2"}), {1, Isa::Amx}) ==
        "'host-cpu-test.llmc': --isa=amx: the plan has no code for amx; it has it for avx2");
  if (hostRuns(Isa::Avx2))
    CHECK(refusal(cpuModel({"avx2"}), {257, std::nullopt}) ==
          "'host-cpu-test.llmc': 257 threads: give 1 to 256");
  PlanDescription foreign = cpuModel({"avx2"});
  foreign.targets[0].backend = "other";
  CHECK(refusal(foreign, {}) ==
        "'host-cpu-test.llmc': the plan was compiled for 'other', which "
        "this program cannot run; it runs: x86-64; the device of another target comes with its "
        "plugin, --plugin=FILE");
}

TEST_CASE("a plan for two devices runs on both") {
  if (!hostRuns(Isa::Avx2))
    return;
  PlanDescription both = cpuModel({"avx2"});
  both.targets.push_back({"npu", "partial", "", 1, 1, std::nullopt});
  for (EntryDescription &entry : both.entries)
    entry.targetMask = 3;
  const PlanOnDisk file(both);
  DeviceRegistry devices = registry();
  CHECK_THROWS_WITH(PlanRunner(file.path, devices),
                    "'host-cpu-test.llmc': the plan was compiled for 'npu', which this program "
                    "cannot run; it runs: x86-64; the device of another target comes with its "
                    "plugin, --plugin=FILE");
  devices.add("npu",
              [](const rt::Plan &, uint32_t target, const DeviceOptions &options,
                 std::string &) -> std::unique_ptr<Device> {
                CHECK_FALSE(options.threads); // they are the CPU's
                return std::make_unique<Simulated>(target);
              });
  PlanRunner runner(file.path, devices, {2, Isa::Avx2});
  CHECK(runner.device().isa() == "avx2+simulated");
  CHECK(runner.device().threads() == 2);
  CHECK_FALSE(runner.device().figures()); // the host's clock counts for both
  const int32_t id = 3;
  CHECK(runner.feed(std::span(&id, 1)).vocab == cpuVocabulary);
}

TEST_CASE("decoding allocates nothing") {
  if (!hostRuns(Isa::Avx2))
    return;
  const PlanOnDisk file(cpuModel(allVariants));
  for (const uint32_t threads : {1u, 2u}) {
    PlanRunner runner(file.path, registry(), {threads, std::nullopt});
    const int32_t id = 3;
    runner.feed(std::span(&id, 1));
    const uint64_t before = allocations();
    for (uint32_t step = 1; step < cpuContext; ++step)
      runner.feed(std::span(&id, 1));
    const uint64_t after = allocations();
    CHECK(after - before == 0);
    CHECK(runner.lm().position() == cpuContext);
  }
}

TEST_CASE("figures of a run are times, and none that only a simulator counts") {
  if (!hostRuns(Isa::Avx2))
    return;
  const PlanOnDisk file(cpuModel(allVariants));
  PlanRunner runner(file.path, registry(), {2, Isa::Avx2});
  GenerationOptions options;
  options.promptIds = std::vector<int32_t>{1, 2, 3};
  options.maxTokens = 4;
  std::string text;
  const auto json =
      Generation(
          runner, options, [&](std::string_view part) { text += part; }, [](std::string_view) {})
          .run()
          .json();
  CHECK(text == "1023 1023 1023 1023\n"); // the largest logit
  CHECK(json["target"] == "any");
  CHECK(json["isa"] == "avx2");
  CHECK(json["threads"] == 2);
  CHECK(json["prefill_tokens"] == 3);
  CHECK(json["decode_steps"] == 3);
  CHECK(json["tokens_per_second"].get<double>() > 0);
  CHECK(json["prefill_tokens_per_second"].get<double>() > 0);
  CHECK(json["seconds"].get<double>() <= json["host_seconds"].get<double>());
  CHECK(json["compulsory_bytes_per_token"] == 1000 + 128 * 5 + 4100);
  for (const char *name : {"decode_cycles_per_token", "energy_joules_per_token", "utilization",
                           "sram_peak_bytes", "dram_bytes_per_token", "prefill_cycles"})
    CHECK_FALSE(json.contains(name));
}
