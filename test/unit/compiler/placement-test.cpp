// Plans for two devices: whatever a target takes and leaves to the CPU, the bits are those of the
// evaluator.
#include "test/unit/compiler/ChainKit.h"
#include "test/unit/compiler/InterpretedTarget.h"

#include "compiler/Emit/PlacementSummary.h"
#include "compiler/Pipeline/Lowering.h"
#include "runtime/drivers/cpu/cpu_device.h"
#include "targets/Llvm/LlvmHost.h"
#include "targets/X86/X86Target.h"
#include "test/unit/targets/KnownTarget.h"

#include "catch2/catch.hpp"

#include <set>

using namespace mlir;
using namespace llmc::target;

namespace llmc::test {
namespace {

template <class Kind> bool is(const KernelWork &work) { return std::holds_alternative<Kind>(work); }

bool hasEpilogue(const KernelWork &work) {
  const auto *matmul = std::get_if<Matmul>(&work);
  return matmul && matmul->epilogue != Epilogue::Store;
}

using Predicate = bool (*)(const KernelWork &);

uint32_t tokensOf(const KernelWork &work) {
  return std::visit([](const auto &kernel) { return kernel.tokens.value; }, work);
}

/// Claims what the predicate holds for.
template <class Predicate> Claims only(const std::string &reason, Predicate claimed) {
  return [=](const KernelWork &work) { return claimed(work) ? "" : reason; };
}

/// A model compiled for a machine that claims some, with the CPU as fallback.
struct Mixed {
  Mixed(const Claims &claims, bool packs = false, const ChainShape &shape = {})
      : shape(shape), module(chainModule(context, shape)) {
    REQUIRE(!cpu.machines().empty());
    target.emplace(cpu.machines().front(), claims, packs);
    ids = chainIds(shape);
    expected = referenceLogits(*module, ids);
    PlanDevices devices(*target, target->machines().front());
    devices.fallback = PlanDevice{&*cpu, &cpu.machines().front()};
    compiled = std::make_unique<CompiledPlan>(*module, devices, LlvmHost(), shape);
    placement = placementOf(*module);
  }

  const rt::Plan &plan() const { return compiled->plan(); }

  std::set<std::string> backends() const {
    std::set<std::string> all;
    for (uint32_t t = 0; t < plan().nTargets(); ++t)
      all.insert(std::string(plan().target(t).backend, plan().target(t).backend_size));
    return all;
  }

  /// Runs the plan on both devices and compares every logit.
  void run() {
    std::optional<uint32_t> onCpu =
        rt::cpu::chooseTarget(plan(), std::nullopt, rt::cpu::hostProbe(), error);
    rt::cpu::PoolOptions options;
    options.threads = 2;
    auto pool = rt::cpu::WorkerPool::create(options, error);
    REQUIRE(pool);
    LateDevice own(plan(), *target);
    std::optional<rt::cpu::CpuDevice> other;
    DeviceTables tables;
    for (uint32_t t = 0; t < plan().nTargets(); ++t)
      if (plan().target(t).backend_size == target->name().size())
        tables[t] = &own.table();
    if (onCpu) {
      other.emplace(plan(), *onCpu, *pool);
      tables[*onCpu] = &other->table();
    }
    PlanSession session(plan(), compiled->bytes(), tables);
    for (size_t chunk : {1, 7, 1000}) {
      INFO("chunk " << chunk);
      requireSame(session.evaluate(ids, chunk), expected, shape.vocabulary);
    }
    CHECK((own.kernels > 0) == (placement.own.kernels > 0));
  }

  ChainShape shape;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::string error;
  KnownTarget cpu{x86::createTarget()};
  std::optional<InterpretedTarget> target;
  std::vector<int32_t> ids;
  std::vector<float> expected;
  std::unique_ptr<CompiledPlan> compiled;
  PlacementSummary placement;
};

const std::set<std::string> both = {"interpreted", "x86-64"};

} // namespace

TEST_CASE("whatever a target leaves to the fallback, the bits stay the same") {
  const auto [name, packs, claimed] = GENERATE(table<std::string, bool, Predicate>({
      {"linear layers", false, [](const KernelWork &work) { return is<Matmul>(work); }},
      {"linear layers that read packed rows", true,
       [](const KernelWork &work) { return is<Matmul>(work) || is<PackRows>(work); }},
      {"linear layers and embedding", false,
       [](const KernelWork &work) { return is<Matmul>(work) || is<EmbedRows>(work); }},
      {"linear layers as they are", false,
       [](const KernelWork &work) { return is<Matmul>(work) && !hasEpilogue(work); }},
      {"chains", false, [](const KernelWork &work) { return is<VectorChain>(work); }},
      {"attention", false, [](const KernelWork &work) { return is<Attention>(work); }},
      {"all but attention", true, [](const KernelWork &work) { return !is<Attention>(work); }},
      {"all but chains", false, [](const KernelWork &work) { return !is<VectorChain>(work); }},
      {"single rows", false, [](const KernelWork &work) { return tokensOf(work) == 1; }},
      {"narrow products", false,
       [](const KernelWork &work) {
         const auto *matmul = std::get_if<Matmul>(&work);
         return !matmul || matmul->n.value <= 64;
       }},
  }));
  INFO("it claims " << name);
  Mixed mixed(only("not of this machine", claimed), packs);
  CHECK(mixed.backends() == both);
  REQUIRE_FALSE(mixed.placement.reasons.empty());
  CHECK_THAT(mixed.placement.reasons[0].text, Catch::Contains("not of this machine"));
  CHECK(mixed.placement.own.kernels > 0);
  CHECK(mixed.placement.fallback.kernels > 0);
  mixed.run();
}

TEST_CASE("formats decide where a matrix goes") {
  ChainShape shape;
  shape.format = GENERATE("<i4, group = 16, scale = multiplier>", "<i4, group = 32, scale = f16>",
                          "<i4, group = 32, scale = f32>");
  Mixed mixed(only("4-bit weights only",
                   [](const KernelWork &work) {
                     const auto *matmul = std::get_if<Matmul>(&work);
                     return matmul && matmul->format.element == ElementType::I4;
                   }),
              /*packs=*/false, shape);
  CHECK(mixed.backends() == both);
  mixed.run();
}

TEST_CASE("a target that takes everything has its plan for itself") {
  Mixed mixed([](const KernelWork &) { return std::string(); });
  CHECK(mixed.backends() == std::set<std::string>{"interpreted"});
  CHECK(mixed.placement.reasons.empty());
  CHECK(mixed.placement.fallback.kernels == 0);
  mixed.run();
}

TEST_CASE("a target that takes nothing leaves a plan of the fallback alone") {
  Mixed mixed([](const KernelWork &) { return std::string("nothing yet"); });
  CHECK(mixed.backends() == std::set<std::string>{"x86-64"});
  CHECK(mixed.plan().nTargets() == 3);
  CHECK(mixed.placement.own.kernels == 0);
  mixed.run();
}

TEST_CASE("a table that embedding and head share goes where both are taken") {
  Mixed mixed(only("no embedding", [](const KernelWork &work) { return !is<EmbedRows>(work); }));
  REQUIRE(mixed.placement.reasons.size() == 2);
  CHECK(mixed.placement.reasons[0].text == "no embedding");
  CHECK(mixed.placement.reasons[1].text == "shares weights that are read elsewhere: no embedding");
  mixed.run();
}

TEST_CASE("entries need one target of each device") {
  Mixed mixed(only("no attention", [](const KernelWork &work) { return !is<Attention>(work); }));
  const rt::Plan &plan = mixed.plan();
  REQUIRE(plan.nTargets() == 4); // its own, and the CPU's three kinds of code
  uint32_t bodies = 0;
  for (uint32_t i = 0; i < plan.nEntries(); ++i) {
    const rt::EntryView entry = plan.entry(i);
    const bool hasAttention = entry.kind() != rt::EntryKind::Head;
    bodies += hasAttention;
    CHECK((entry.targetMask() & 1) == 1);
    CHECK((entry.targetMask() & 14) != 0);
  }
  CHECK(bodies % 3 == 0);
}

TEST_CASE("weights that neither device takes are an error that gives both reasons") {
  ChainShape shape;
  shape.format = "<i4, group = 12, scale = f32>";
  MLIRContext context;
  OwningOpRef<ModuleOp> module = chainModule(context, shape);
  std::string message;
  const KnownTarget cpu(x86::createTarget());
  REQUIRE(!cpu.machines().empty());
  const InterpretedTarget target(
      cpu.machines().front(), [](const KernelWork &) { return std::string("not this"); }, false);
  PlanDevices devices(target, target.machines().front());
  devices.fallback = PlanDevice{&*cpu, &cpu.machines().front()};
  ScopedDiagnosticHandler handler(
      &context, [&](Diagnostic &diagnostic) { message += diagnostic.str() + "\n"; });
  CHECK(failed(describeMachine(*module, devices)));
  CHECK(message == "'lm.quantized_linear' op has weights that neither partial takes (not this) nor "
                   "x86-64 (linear: groups of 12: a group is a multiple of 8, multipliers need i4 "
                   "elements, and a scale per row has no groups); use another recipe or another "
                   "target\n");
}

} // namespace llmc::test
