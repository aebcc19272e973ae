// Targets that do not do what they claim, each found out by the conformance kit.
#include "tools/conformance/Conformance.h"
#include "runtime/drivers/cpu/cpu_features.h"
#include "targets/Plugin/PluginCall.h"
#include "targets/Rnpu/RnpuTarget.h"
#include "targets/X86/X86Target.h"
#include "test/unit/targets/KnownTarget.h"
#include "tools/conformance/TargetView.h"
#include "tools/llmc/CompilerLoader.h"
#include "tools/llmc/TargetDevice.h"

#include "catch2/catch.hpp"

#include <stdexcept>

using namespace llmc;
using namespace llmc::conformance;
using namespace llmc::target;

namespace {

const llmc::test::KnownTarget &rnpuTarget() {
  static const llmc::test::KnownTarget target(rnpu::createTarget());
  REQUIRE(!target.machines().empty());
  return target;
}

DeviceRegistry simulator() {
  DeviceRegistry devices;
  devices.add("rnpu", [](const rt::Plan &plan, uint32_t number, const DeviceOptions &options,
                         std::string &error) {
    return createTargetDevice(*rnpuTarget(), rnpuTarget().machines().front(), plan, number, options,
                              error);
  });
  return devices;
}

Answers given;

/// An rnpu, but for what it is told to do wrong.
class Liar : public TargetView {
public:
  Liar() : TargetView(*rnpuTarget(), given) {}
};

Report examineLiar(std::unique_ptr<Target> liar, const std::string &filter,
                   bool withDevice = true) {
  TargetRegistry targets;
  targets.add(std::move(liar), rnpuTarget().machines());
  const auto [target, machine] = targets.machines().front();
  const DeviceRegistry devices = simulator();
  return examine(
      {*target, *machine, targets, devices, loadCompiler(LLMC_COMPILER_LIBRARY), withDevice, 1, ""},
      filter);
}

const Failure &firstFailure(const Report &report) {
  for (const ClassResult &checks : report.classes)
    if (!checks.failures.empty())
      return checks.failures.front();
  FAIL("nothing failed");
  throw;
}

/// Changes the first weight of every row, where rows have an odd number.
struct WrongForOddK : Liar {
  void pack(const Machine &machine, const WeightRows &rows,
            std::vector<uint8_t> &out) const override {
    const size_t begin = out.size();
    Liar::pack(machine, rows, out);
    const size_t record = (out.size() - begin) / rows.rows;
    for (size_t at = begin; rows.columns % 2 == 1 && rows.columns > 1 && at < out.size();
         at += record)
      out[at] ^= 0x40;
  }
  bool readsRowRecords() const override { return false; }
};

struct RefusesToEmit : Liar {
  std::optional<std::vector<uint8_t>> emit(const Machine &machine, const Program &program,
                                           std::string &error) const override {
    for (const Command &command : program.prologue.commands)
      if (const auto *matmul = std::get_if<MatmulCommand>(&command.work);
          matmul && matmul->matmul.n.value > 16) {
        error = "too many outputs";
        return std::nullopt;
      }
    return Liar::emit(machine, program, error);
  }
};

struct WrongSize : Liar {
  uint64_t packedBytes(const Machine &machine, const WeightFormat &format, uint32_t rows,
                       uint32_t columns) const override {
    return Liar::packedBytes(machine, format, rows, columns) + (rows == 3 ? 16 : 0);
  }
};

struct PacksByChance : Liar {
  mutable uint8_t chance = 0;
  void pack(const Machine &machine, const WeightRows &rows,
            std::vector<uint8_t> &out) const override {
    Liar::pack(machine, rows, out);
    out.back() ^= ++chance;
  }
};

/// Its commands have other numbers each time, which changes no result.
struct EmitsByChance : Liar {
  mutable uint32_t chance = 0;
  std::optional<std::vector<uint8_t>> emit(const Machine &machine, const Program &program,
                                           std::string &error) const override {
    Program changed = program;
    changed.prologue.commands.front().id = 100 + ++chance;
    return Liar::emit(machine, changed, error);
  }
};

struct ClaimsNothing : Liar {
  Verdict supports(const Machine &, const KernelWork &) const override {
    return {false, "not yet"};
  }
};

/// Its kernels work behind the memory that the program states.
struct TakesMore : Liar {
  std::optional<std::vector<uint8_t>> emit(const Machine &machine, const Program &program,
                                           std::string &error) const override {
    Program changed = program;
    const uint64_t moved = program.sramBytes;
    changed.sramBytes += moved;
    for (Command &command : changed.prologue.commands) {
      if (auto *dma = std::get_if<Dma>(&command.work))
        (command.engine == Engine::Load ? dma->destination : dma->source).offset += moved;
      else if (auto *chain = std::get_if<ChainCommand>(&command.work))
        for (Operand &operand : chain->operands)
          operand.address.offset += moved;
    }
    return Liar::emit(machine, changed, error);
  }
};

struct Throws : Liar {
  Verdict supports(const Machine &machine, const KernelWork &work) const override {
    const auto *matmul = std::get_if<Matmul>(&work);
    if (matmul && matmul->k.value == 33)
      throw PluginError("plugin 'mine', target 'rnpu'", "supports", "returned 7");
    return Liar::supports(machine, work);
  }
};

} // namespace

TEST_CASE("Conformance: the target itself passes, and says so in text and JSON") {
  const Report report = examineLiar(std::make_unique<Liar>(), "chain");
  CHECK(report.conforms());
  CHECK(report.total().passed > 200);
  CHECK(report.total().failed == 0);
  const auto json = toJson(report);
  CHECK(json.at("conforms") == true);
  for (const ClassResult &checks : report.classes) {
    const ClassResult back = classFromJson(toJson(checks));
    CHECK(toJson(back) == toJson(checks));
  }
  CHECK(toText(report).find("does all that it claims") != std::string::npos);
}

TEST_CASE("Conformance: beside the target that is examined, the host's CPU has one variant") {
  TargetRegistry targets;
  std::string error;
  targets.add(x86::createTarget(), llmc::test::KnownTarget(x86::createTarget()).machines());
  targets.add(rnpu::createTarget(), rnpuTarget().machines());
  const auto variantsSeen = [&](const std::string &watched) {
    const TargetRegistry views =
        viewsOf(targets, *targets.find(watched, error)->first, nullptr, given);
    const auto cpu = views.find("x86-64", error);
    std::vector<std::string> names;
    for (const Variant &variant : cpu->first->variants(*cpu->second))
      names.push_back(variant.name);
    return names;
  };
  const std::vector<std::string> all = {"avx2", "avx512", "amx"};
  CHECK(variantsSeen("x86-64") == all);
  std::vector<std::string> runs; // here; the best comes last
  for (const std::string &name : all)
    if (rt::cpu::missingFor(*rt::cpu::isaNamed(name), rt::cpu::hostProbe()).empty())
      runs.push_back(name);
  CHECK(variantsSeen("rnpu-soc") == (runs.empty() ? all : std::vector{runs.back()}));
}

TEST_CASE("Conformance: equal seeds give equal cases, others do not") {
  CaseSizes sizes;
  const auto first = linearCases(sizes, weightFormats()[0], Epilogue::Store);
  CHECK(first.front().memory == linearCases(sizes, weightFormats()[0], Epilogue::Store)[0].memory);
  sizes.seed = 2;
  const auto other = linearCases(sizes, weightFormats()[0], Epilogue::Store);
  CHECK(first.back().memory != other.back().memory);
}

TEST_CASE("Conformance: wrong results are found, the smallest first, with both values") {
  const Report report = examineLiar(std::make_unique<WrongForOddK>(), "linear w8");
  CHECK_FALSE(report.conforms());
  const Failure &failure = firstFailure(report);
  CHECK(failure.function == "run");
  CHECK(failure.what == "tokens 1, n 3, k 9");
  CHECK_THAT(failure.reason,
             Catch::Contains("operand 3, element 0: 0x") && Catch::Contains(", expected 0x"));
  CHECK(report.total().passed > 0); // even ones
}

TEST_CASE("Conformance: what is claimed must be emitted, and the others are still run") {
  const Report report = examineLiar(std::make_unique<RefusesToEmit>(), "linear w8");
  CHECK_FALSE(report.conforms());
  CHECK(firstFailure(report).function == "emit");
  CHECK(firstFailure(report).reason == "supported, but refused: too many outputs");
  CHECK(report.total().passed > 0);
}

TEST_CASE("Conformance: sizes must be those of what is packed") {
  const Report report = examineLiar(std::make_unique<WrongSize>(), "linear w4-m32");
  CHECK_FALSE(report.conforms());
  CHECK(firstFailure(report).function == "pack");
  CHECK_THAT(firstFailure(report).reason, Catch::Contains("bytes, stated are"));
}

TEST_CASE("Conformance: the same question twice must have the same answer") {
  const Report packing = examineLiar(std::make_unique<PacksByChance>(), "linear w4-g32");
  CHECK_FALSE(packing.conforms());
  CHECK(firstFailure(packing).reason == "the same weights twice give other bytes");
  const Report code = examineLiar(std::make_unique<EmitsByChance>(), "chain add", false);
  CHECK_FALSE(code.conforms());
  CHECK(firstFailure(code).reason == "the same kernel twice gives other bytes");
}

TEST_CASE("Conformance: a target that claims nothing fails") {
  const Report report = examineLiar(std::make_unique<ClaimsNothing>(), "linear w8");
  CHECK_FALSE(report.conforms());
  CHECK(report.verdict() == report.machine + " claims nothing");
  CHECK(report.total().notClaimed > 0);
  CHECK(report.classes.front().refusals.begin()->first == "not yet");
}

TEST_CASE("Conformance: memory beyond what a program states is found") {
  const Report report = examineLiar(std::make_unique<TakesMore>(), "chain add");
  CHECK_FALSE(report.conforms());
  CHECK_THAT(firstFailure(report).reason, Catch::Contains("bytes of on-chip memory, its program "
                                                          "states"));
}

TEST_CASE("Conformance: what a target throws is a failure of the case, the others are checked") {
  const Report report = examineLiar(std::make_unique<Throws>(), "linear w8");
  CHECK_FALSE(report.conforms());
  CHECK(firstFailure(report).function == "supports");
  CHECK(firstFailure(report).reason == "returned 7");
  CHECK_THAT(firstFailure(report).what, Catch::Contains("k 33"));
  CHECK(report.total().passed > 5);
  CHECK(report.classes.front().incomplete == false);
}

TEST_CASE("Conformance: wrong results of whole models are found, and where they come from") {
  struct WrongForAll : Liar {
    void pack(const Machine &machine, const WeightRows &rows,
              std::vector<uint8_t> &out) const override {
      const size_t begin = out.size();
      Liar::pack(machine, rows, out);
      out[begin] ^= 0x40;
    }
  };
  const Report report = examineLiar(std::make_unique<WrongForAll>(), "model w4a8-m16");
  CHECK_FALSE(report.conforms());
  CHECK(firstFailure(report).function == "run");
  CHECK_THAT(firstFailure(report).reason, Catch::Contains("position 0, logit ") &&
                                              Catch::Contains("all levels of the compiler agree"));
  CHECK(examineLiar(std::make_unique<Liar>(), "model w4a8-m16").conforms());
}
