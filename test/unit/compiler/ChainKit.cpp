#include "test/unit/compiler/ChainKit.h"

#include "compiler/Emit/PlanWriter.h"
#include "compiler/Evaluate/Evaluator.h"
#include "compiler/Pipeline/Lowering.h"
#include "runtime/plan/source.h"

#include "catch2/catch.hpp"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Parser/Parser.h"

#include <cstring>
#include <optional>

using namespace mlir;

namespace llmc::test {

OwningOpRef<ModuleOp> chainModule(MLIRContext &context, const ChainShape &shape) {
  context.loadDialect<lm::LmDialect, npu::NpuDialect, func::FuncDialect, arith::ArithDialect>();
  auto module = parseSourceString<ModuleOp>(ChainText(shape, 7).module(), &context);
  REQUIRE(module);
  return module;
}

CompiledPlan::CompiledPlan(ModuleOp module, const PlanDevices &devices,
                           const target::HostServices &host, const ChainShape &shape,
                           uint64_t weightBudget) {
  REQUIRE(succeeded(describeMachine(module, devices, weightBudget)));
  PlanInputs inputs;
  inputs.model.vocabSize = uint32_t(shape.vocabulary);
  inputs.model.hiddenSize = uint32_t(shape.hidden);
  inputs.model.contextLength = uint32_t(shape.capacity);
  describePlan(module, devices, inputs);
  PassManager manager(module.getContext());
  buildLoweringPipeline(manager, &devices);
  REQUIRE(succeeded(manager.run(module)));
  std::string error;
  std::optional<EmittedPlan> plan = emitPlan(module, devices, inputs, host, error);
  INFO(error);
  REQUIRE(plan);
  PlanWriterResult written = writePlan(plan->description, file);
  INFO(written.error);
  REQUIRE(written);
  source = rt::memorySource(file.data(), file.size());
  rt::Status status = rt::Plan::open(source, {}, &opened);
  INFO("code " << int(status.code) << " where " << int(status.where) << " detail "
               << status.detail);
  REQUIRE(status.ok());
}

PlanSession::PlanSession(const CompiledPlan &compiled, const llmc_device &device, uint32_t target)
    : PlanSession(compiled.plan(), compiled.bytes(), device, target) {}

PlanSession::PlanSession(const rt::Plan &plan, const std::vector<uint8_t> &bytes,
                         const DeviceTables &tables) {
  for (const rt::Region &region : plan.regions()) {
    if (region.kind == rt::RegionKind::FlashPaged) {
      memories.push_back({nullptr, 0});
      continue;
    }
    storage.emplace_back((region.size + 4096 + guard + 7) / 8);
    auto base = (reinterpret_cast<uintptr_t>(storage.back().data()) + 4095) / 4096 * 4096;
    memories.push_back({reinterpret_cast<void *>(base), region.size});
  }
  for (const rt::Segment &segment : plan.segments())
    if (segment.region != rt::none16 && memories[segment.region].base)
      std::memcpy(static_cast<uint8_t *>(memories[segment.region].base) + segment.regionOffset,
                  bytes.data() + segment.offset, segment.size);
  std::vector<const llmc_device *> devices(plan.nTargets());
  for (const auto &[target, table] : tables)
    devices[target] = table;
  rt::Bindings bindings;
  bindings.memories = {memories.data(), memories.size()};
  bindings.devices = {devices.data(), devices.size()};
  rt::Status status = session.bind(plan, bindings);
  INFO("code " << int(status.code) << " where " << int(status.where) << " detail "
               << status.detail);
  REQUIRE(status.ok());
  REQUIRE(lm.init(session).ok());
}

std::vector<float> PlanSession::evaluate(const std::vector<int32_t> &ids, size_t chunk) {
  REQUIRE(lm.reset().ok());
  std::vector<float> logits;
  auto append = [](void *ctx, const rt::Logits &rows) {
    auto &all = *static_cast<std::vector<float> *>(ctx);
    all.insert(all.end(), rows.data, rows.data + size_t(rows.rows) * rows.vocab);
    return rt::Status();
  };
  for (size_t first = 0; first < ids.size(); first += chunk) {
    rt::Status status =
        lm.evaluate({ids.data() + first, std::min(chunk, ids.size() - first)}, append, &logits);
    INFO("code " << int(status.code) << " where " << int(status.where) << " detail "
                 << status.detail);
    REQUIRE(status.ok());
  }
  return logits;
}

rt::Status PlanSession::fail(const std::vector<int32_t> &ids) {
  REQUIRE(lm.reset().ok());
  auto ignore = [](void *, const rt::Logits &) { return rt::Status(); };
  rt::Status status = lm.evaluate({ids.data(), ids.size()}, ignore, nullptr);
  REQUIRE(status.failed());
  return status;
}

bool PlanSession::isConstant(size_t region) const {
  return session.plan()->regions()[region].lifetime == rt::Lifetime::Constant;
}

std::vector<uint64_t> PlanSession::writtenEnds(const std::vector<int32_t> &ids) {
  std::vector<uint64_t> ends(memories.size());
  // A byte that was written differs from one fill at least.
  for (uint8_t fill : {0x5A, 0xA5}) {
    for (size_t i = 0; i < memories.size(); ++i)
      if (!isConstant(i))
        std::memset(memories[i].base, fill, memories[i].size + guard);
    evaluate(ids, ids.size());
    for (size_t i = 0; i < memories.size(); ++i) {
      const uint8_t *bytes = static_cast<const uint8_t *>(memories[i].base);
      uint64_t end = isConstant(i) ? 0 : memories[i].size + guard;
      while (end > ends[i] && bytes[end - 1] == fill)
        --end;
      ends[i] = end;
    }
  }
  return ends;
}

void requireExactUse(const rt::Plan &plan, const std::vector<uint64_t> &writtenEnds) {
  for (uint32_t i = 0; i < plan.regions().size; ++i) {
    const rt::Region &region = plan.regions()[i];
    const rt::Text name = plan.text(region.name);
    INFO("region " << std::string(name.data, name.size));
    if (region.lifetime != rt::Lifetime::Constant)
      CHECK(writtenEnds[i] == region.size);
  }
}

std::vector<int32_t> chainIds(const ChainShape &shape) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < shape.capacity; ++i)
    ids.push_back(int32_t(i * 37 % shape.vocabulary));
  return ids;
}

std::vector<float> referenceLogits(ModuleOp module, const std::vector<int32_t> &ids) {
  FailureOr<evaluate::Evaluator> evaluator = evaluate::Evaluator::create(module, "main", 1);
  REQUIRE(succeeded(evaluator));
  evaluate::EvaluatorState state(module);
  std::vector<float> logits;
  REQUIRE(succeeded(evaluator->run(ids, 0, state, logits)));
  return logits;
}

void requireSame(const std::vector<float> &actual, const std::vector<float> &expected,
                 int64_t vocabulary) {
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    if (std::memcmp(&actual[i], &expected[i], 4) != 0)
      FAIL("position " << i / vocabulary << " logit " << i % vocabulary << ": " << actual[i]
                       << ", expected " << expected[i]);
}

} // namespace llmc::test
