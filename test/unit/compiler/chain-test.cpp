// The whole chain on small random models: the simulated NPU equals the reference evaluator bit for
// bit.
#include "test/unit/compiler/ChainFixture.h"

#include "compiler/Emit/EmitPlan.h"
#include "compiler/Emit/PlanWriter.h"
#include "compiler/Evaluate/Evaluator.h"
#include "compiler/Pipeline/Lowering.h"
#include "runtime/lm/lm.h"
#include "runtime/plan/source.h"
#include "targets/Rnpu/RnpuTarget.h"
#include "targets/Rnpu/Simulator/SimulatorDevice.h"

#include "catch2/catch.hpp"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Parser/Parser.h"

#include <cstring>
#include <optional>

using namespace mlir;

namespace llmc::test {
namespace {

/// A compiled model on its simulated device.
class Compiled {
public:
  Compiled(ModuleOp module, const target::Target &target, const target::Machine &machine,
           const ChainShape &shape)
      : device(machine) {
    module->setAttr(npu::TargetAttr::moduleAttributeName,
                    targetAttribute(*module.getContext(), target, machine));
    PlanInputs inputs;
    inputs.model.vocabSize = uint32_t(shape.vocabulary);
    inputs.model.hiddenSize = uint32_t(shape.hidden);
    inputs.model.contextLength = uint32_t(shape.capacity);
    describePlan(module, target, machine, inputs);
    PassManager manager(module.getContext());
    buildLoweringPipeline(manager);
    REQUIRE(succeeded(manager.run(module)));
    std::string error;
    std::optional<EmittedPlan> plan = emitPlan(module, target, machine, inputs, error);
    INFO(error);
    REQUIRE(plan);
    PlanWriterResult written = writePlan(plan->description, bytes);
    INFO(written.error);
    REQUIRE(written);
    open();
  }

  std::vector<float> evaluate(const std::vector<int32_t> &ids, size_t chunk) {
    REQUIRE(lm.reset().ok());
    std::vector<float> logits;
    auto append = [](void *ctx, const rt::Logits &rows) {
      static_cast<std::vector<float> *>(ctx)->insert(static_cast<std::vector<float> *>(ctx)->end(),
                                                     rows.data,
                                                     rows.data + size_t(rows.rows) * rows.vocab);
      return rt::Status();
    };
    for (size_t first = 0; first < ids.size(); first += chunk) {
      rt::Status status =
          lm.evaluate({ids.data() + first, std::min(chunk, ids.size() - first)}, append, &logits);
      INFO(device.error());
      REQUIRE(status.ok());
    }
    return logits;
  }

private:
  void open() {
    source = rt::memorySource(bytes.data(), bytes.size());
    rt::Status status = rt::Plan::open(source, {}, &plan);
    INFO("code " << int(status.code) << " where " << int(status.where) << " detail "
                 << status.detail);
    REQUIRE(status.ok());
    for (const rt::Region &region : plan.regions()) {
      storage.emplace_back((region.size + 4096 + 7) / 8);
      auto base = (reinterpret_cast<uintptr_t>(storage.back().data()) + 4095) / 4096 * 4096;
      memories.push_back({reinterpret_cast<void *>(base), region.size});
    }
    for (const rt::Segment &segment : plan.segments())
      if (segment.region != rt::none16)
        std::memcpy(static_cast<uint8_t *>(memories[segment.region].base) + segment.regionOffset,
                    bytes.data() + segment.offset, segment.size);
    const llmc_device *devices[] = {&device.table()};
    rt::Bindings bindings;
    bindings.memories = {memories.data(), memories.size()};
    bindings.devices = {devices, 1};
    status = session.bind(plan, bindings);
    INFO(device.error());
    INFO("code " << int(status.code) << " where " << int(status.where) << " detail "
                 << status.detail);
    REQUIRE(status.ok());
    REQUIRE(lm.init(session).ok());
  }

  std::vector<uint8_t> bytes;
  rnpu::SimulatorDevice device;
  llmc_source source = {};
  rt::Plan plan;
  std::vector<std::vector<uint64_t>> storage;
  std::vector<llmc_memory> memories;
  rt::Session session;
  rt::Lm lm;
};

std::vector<float> reference(ModuleOp module, const std::vector<int32_t> &ids) {
  FailureOr<evaluate::Evaluator> evaluator = evaluate::Evaluator::create(module, "main", 1);
  REQUIRE(succeeded(evaluator));
  evaluate::EvaluatorState state(module);
  std::vector<float> logits;
  REQUIRE(succeeded(evaluator->run(ids, 0, state, logits)));
  return logits;
}

/// With `sramBytes`, on that much of it; `missing` then names an entry that must not fit.
void compareAll(const ChainShape &shape, const std::string &machineName, uint64_t sramBytes = 0,
                const char *missing = nullptr) {
  MLIRContext context;
  context.loadDialect<lm::LmDialect, npu::NpuDialect, func::FuncDialect, arith::ArithDialect>();
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(ChainText(shape, 7).module(), &context);
  REQUIRE(module);
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
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < shape.capacity; ++i)
    ids.push_back(int32_t(i * 37 % shape.vocabulary));
  std::vector<float> expected = reference(*module, ids);
  Compiled compiled(*module, *target, *machine, shape);
  if (missing)
    REQUIRE(!module->lookupSymbol(missing));
  for (size_t chunk : {1, 3, 15, 16, 17, 33, 64, 1000}) {
    INFO("chunk " << chunk);
    std::vector<float> actual = compiled.evaluate(ids, chunk);
    REQUIRE(actual.size() == expected.size());
    for (size_t i = 0; i < actual.size(); ++i)
      if (std::memcmp(&actual[i], &expected[i], 4) != 0)
        FAIL("position " << i / shape.vocabulary << " logit " << i % shape.vocabulary << ": "
                         << actual[i] << ", expected " << expected[i]);
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
