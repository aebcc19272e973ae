// The whole chain on small random models: kernels of x86-64 equal the reference evaluator bit for
// bit, whatever the instruction set, the threads and the chunks.
#include "test/unit/compiler/ChainKit.h"
#include "test/unit/targets/KnownTarget.h"

#include "compiler/Pipeline/Lowering.h"
#include "runtime/drivers/cpu/cpu_device.h"
#include "targets/Llvm/LlvmHost.h"
#include "targets/X86/X86Target.h"

#include "catch2/catch.hpp"

using namespace mlir;

namespace llmc::test {
namespace {

using rt::cpu::Isa;

/// Calls `use` with a session on that instruction set; false where this machine lacks it.
template <class Use>
bool withSession(const CompiledPlan &compiled, Isa isa, uint32_t threads, Use use) {
  std::string error;
  std::optional<uint32_t> target =
      rt::cpu::chooseTarget(compiled.plan(), isa, rt::cpu::hostProbe(), error);
  if (!target) {
    WARN("skipped: " << error);
    return false;
  }
  rt::cpu::PoolOptions options;
  options.threads = threads;
  auto pool = rt::cpu::WorkerPool::create(options, error);
  REQUIRE(pool);
  rt::cpu::CpuDevice device(compiled.plan(), *target, *pool);
  PlanSession session(compiled, device.table(), *target);
  use(session);
  return true;
}

void compareOn(const CompiledPlan &compiled, Isa isa, uint32_t threads,
               const std::vector<int32_t> &ids, const std::vector<float> &expected,
               int64_t vocabulary) {
  withSession(compiled, isa, threads, [&](PlanSession &session) {
    for (size_t chunk : {1, 3, 17, 64, 1000}) {
      INFO(rt::cpu::nameOf(isa) << ", " << threads << " threads, chunk " << chunk);
      requireSame(session.evaluate(ids, chunk), expected, vocabulary);
    }
  });
}

void compareAll(const ChainShape &shape) {
  MLIRContext context;
  OwningOpRef<ModuleOp> module = chainModule(context, shape);
  const KnownTarget target(x86::createTarget());
  INFO(target.error());
  REQUIRE(!target.machines().empty());
  const std::vector<int32_t> ids = chainIds(shape);
  const std::vector<float> expected = referenceLogits(*module, ids);
  CompiledPlan compiled(*module, {*target, target.machines().front()}, target::LlvmHost(), shape);
  for (Isa isa : rt::cpu::allIsas)
    for (uint32_t threads : {1, 2, 3})
      compareOn(compiled, isa, threads, ids, expected, shape.vocabulary);
}

} // namespace

TEST_CASE("every format gives the evaluator's bits on every instruction set") {
  ChainShape shape;
  shape.format = GENERATE("<i8, group = 0, scale = f32>", "<i4, group = 16, scale = multiplier>",
                          "<i4, group = 32, scale = f16>", "<i4, group = 32, scale = f32>");
  INFO(shape.format);
  compareAll(shape);
}

TEST_CASE("every byte of memory that the plan states is used") {
  ChainShape shape;
  shape.capacity = 512; // a whole chunk
  MLIRContext context;
  OwningOpRef<ModuleOp> module = chainModule(context, shape);
  const KnownTarget target(x86::createTarget());
  INFO(target.error());
  REQUIRE(!target.machines().empty());
  CompiledPlan compiled(*module, {*target, target.machines().front()}, target::LlvmHost(), shape);
  std::vector<uint64_t> ends(compiled.plan().regions().size);
  bool complete = true;
  for (Isa isa : rt::cpu::allIsas)
    complete &= withSession(compiled, isa, 2, [&](PlanSession &session) {
      const std::vector<uint64_t> written = session.writtenEnds(chainIds(shape));
      for (size_t i = 0; i < ends.size(); ++i)
        ends[i] = std::max(ends[i], written[i]);
    });
  if (complete)
    requireExactUse(compiled.plan(), ends);
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
  compareAll(shape);
}

TEST_CASE("weights that the target has no layout for are an error before anything is lowered") {
  ChainShape shape;
  shape.format = "<i4, group = 12, scale = f32>";
  MLIRContext context;
  OwningOpRef<ModuleOp> module = chainModule(context, shape);
  std::string message;
  const KnownTarget target(x86::createTarget());
  REQUIRE(!target.machines().empty());
  ScopedDiagnosticHandler handler(
      &context, [&](Diagnostic &diagnostic) { message += diagnostic.str() + "\n"; });
  CHECK(failed(describeMachine(*module, {*target, target.machines().front()})));
  CHECK(message == "'lm.quantized_linear' op has weights that target 'x86-64' does not take on "
                   "x86-64: linear: groups of 12: a group is a multiple of 8, multipliers need i4 "
                   "elements, and a scale per row has no groups; use another recipe or another "
                   "target\n");
}

TEST_CASE("a context of one token") {
  ChainShape shape;
  shape.capacity = 1;
  compareAll(shape);
}

} // namespace llmc::test
