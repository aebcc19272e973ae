// A plan.file as bytes: every field where the format has it, and what the dialect accepts, open
// accepts.
#include "compiler/Emit/EmitDebug.h"
#include "compiler/Emit/EmitFile.h"
#include "compiler/Emit/PlanWriter.h"
#include "dialects/Npu/Npu.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/source.h"

#include "catch2/catch.hpp"
#include "mlir/Parser/Parser.h"

#include <cstring>

using namespace mlir;

namespace llmc::test {
namespace {

const char *const text = R"(
npu.program @code decode rows 1 arguments [] scratch 0 {}
plan.file producer "test" debug @notes {
  plan.target @cpu backend "host" device "cpu"
  plan.target @npu backend "rnpu" device "small" variant "wide" abi 2 driver_min 1
      config "00000000000000000000000000000000000000000000000000000000000000ff"
  plan.model "tiny" architecture "Llama" quantization "w4" vocabulary 8 context 16 hidden 4
      layers 2 heads 2 kv_heads 1 head_dim 2 bos 1 eos [2, 3]
  plan.tokenizer "bpe" in @words add_bos chat_template "{}"
  plan.metadata "made" = "here"
  plan.region @flash flash_paged constant size 64 align 4096 access <cpu_reads>
  plan.region @code dram constant size 64 align 64 access <cpu_reads, device_reads>
  plan.region @state dram session size 160 align 64
      access <cpu_reads, cpu_writes, device_reads, device_writes>
  plan.region @io sram call size 256 align 64
      access <cpu_reads, cpu_writes, device_reads, device_writes, cpu_cached>
  plan.segment @weights weights in @flash at 0 size 64 align 4096 chunk 1024
  plan.segment @kernels kernel in @code at 0 size 64 align 64
  plan.segment @words name "tokenizer" tokenizer size 16 align 8
  plan.segment @notes debug size 16 align 1
  plan.buffer @table in @flash at 0 size 64 from @weights
  plan.buffer @blob in @code at 0 size 64 from @kernels
  plan.buffer @keys name "K" in @state at 32 size 128
  plan.buffer @rows in @io at 64 size 192
  plan.buffer @head in @state at 0 size 32
  plan.param @pos input max 11
  plan.param @tokens input max 4
  plan.param @length kv_len max 15
  plan.param @row input max 3 imm 1
  plan.param @layer loop max 1
  plan.param @sum add max 16 of @pos imm 1 plus @tokens
  plan.operand @flash_rows of @table at 0 extent 32 <read>
  plan.operand @moving of @rows at 0 extent 32 <read, write>
      strides [#plan.stride<@layer by 64>, #plan.stride<@row by 32>]
  plan.operand @ids of @rows at 160 extent 16 <read>
  plan.operand @out of @rows at 64 extent 64 <read, write>
  plan.kernel @run name "main" of @code parameters [@sum] bounds [11, 4, 15, 3, 1, 16] in @kernels
      on @npu args 2 blob <offset = 16, size = 32, entry = 4, est_cycles = 5000000000, stack_bytes = 17>
  plan.queue @spare of @cpu index 0
  plan.queue @q of @npu index 3
  plan.dma @shape rows 2 as @tokens of 8 pitches 16, 8
  plan.state @scales kv_flat key_scale i8 in @head tokens 16 layers 1 heads 1 head_dim 1
      strides token 1 head 1 layer 1 layout 7
  plan.state @cache kv_flat key f16 in @keys tokens 16 layers 2 heads 1 head_dim 2
      strides token 4 head 64 layer 64 layout 4294967295 window 8 scales @scales
  plan.entry @first generic chunk 1 {
    plan.end
  }
  plan.entry @all name "everything" verify chunk 3 pos_max 11 row @row max 2 vocab 8 on [@npu]
      states [@cache] inputs [#plan.tensor<"rows" other f16[8, 2] in @moving_0>]
      outputs [#plan.tensor<"out" other i8[8, 8] in @out>]
      peak [#plan.peak<@io 128>] est_cycles 1000 max_cycles 2000 variant "slow" {
    plan.prefetch @flash_rows to @out bytes 32
    plan.wait outstanding 0
    plan.loop @layer times 2 {
      plan.dispatch @run on @q args [@moving, @out]
      plan.wait on @q outstanding 1
    }
    plan.loop @layer times_param @row {
      plan.yield
    }
    plan.copy @moving to @out by @shape2 on @q
    plan.gather @out by @ids to @out row_bytes 8 bound 4
    plan.cache_clean @out on @q
    plan.cache_invalidate @moving_0 on @q
    plan.host_call 7 args [@out]
    plan.barrier
    plan.mark 42
    plan.kv_commit @cache
    plan.end
  }
  plan.operand @moving_0 of @rows at 0 extent 32 <read>
  plan.dma @shape2 rows 4 as @tokens of 8 pitches 8, 8
})";

struct Emitted {
  Emitted() {
    context.loadDialect<npu::NpuDialect, plan::PlanDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    REQUIRE(module);
    file = *module->getOps<plan::FileOp>().begin();
    SegmentSources sources;
    for (plan::SegmentOp segment : file.records<plan::SegmentOp>())
      sources[segment.getSymNameAttr()] =
          segmentFromBytes(std::vector<uint8_t>(*segment.getSize(), 7));
    description = emitFile(file, sources);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  plan::FileOp file;
  PlanDescription description;
};

template <class Record> bool same(const Record &a, const Record &b) {
  return std::memcmp(&a, &b, sizeof(Record)) == 0;
}

} // namespace

TEST_CASE("records take their fields, symbols become indices") {
  Emitted emitted;
  const PlanDescription &plan = emitted.description;
  auto name = [&](uint16_t at) { return std::string(plan.text.c_str() + at); };
  REQUIRE(plan.producer == "test");
  REQUIRE(plan.targets.size() == 2);
  REQUIRE(plan.targets[0].config == std::nullopt);
  REQUIRE(plan.targets[1].variant == "wide");
  REQUIRE(plan.targets[1].abi == 2);
  REQUIRE(plan.targets[1].driverMin == 1);
  REQUIRE((*plan.targets[1].config)[31] == 0xFF);
  REQUIRE((*plan.targets[1].config)[30] == 0);
  const rt::Region &io = plan.regions.at(3);
  REQUIRE(same(io, rt::Region{256, io.name, 0, 6, rt::RegionKind::Sram, rt::Lifetime::Call, 31}));
  REQUIRE(name(io.name) == "io");
  const SegmentDescription &weights = plan.segments.at(0), &words = plan.segments.at(2);
  REQUIRE(weights.alignLog2 == 12);
  REQUIRE(weights.chunkLog2 == 10);
  REQUIRE(words.name == "tokenizer");
  REQUIRE(words.region == rt::none16);
  REQUIRE(words.chunkLog2 == 0);
  REQUIRE(same(plan.params.at(3), rt::Param{3, 1, rt::ParamKind::Input, 255, 255, 0}));
  REQUIRE(same(plan.params.at(5), rt::Param{16, 1, rt::ParamKind::Add, 0, 1, 0}));
  REQUIRE(same(plan.operands.at(1), rt::Operand{64, 32, 3, 3, 0}));
  REQUIRE(same(plan.operands.at(2), rt::Operand{224, 16, 3, 1, rt::none8}));
  REQUIRE(plan.moves.size() == 1);
  REQUIRE(same(plan.moves.at(0), rt::Move{0, 0, {64, 32, 0}, {4, 3, 255}, 0}));
  REQUIRE(same(plan.kernels.at(0), rt::Kernel{4, UINT32_MAX, 2, 0, 2}));
  REQUIRE(same(plan.blobs.at(0), rt::Blob{16, 32, 1, 1}));
  REQUIRE(same(plan.queues.at(1), rt::Queue{1, 3}));
  REQUIRE(same(plan.rows.at(0), rt::Rows{8, 2, 16, 8, 1, 0, 0}));
  REQUIRE(same(plan.states.at(1),
               rt::State{32, 16, 8, 4, 64, 64, 0xFFFFFFFFu, 2, 2, 1, 2, 0, rt::StateKind::KvFlat,
                         rt::StateRole::Key, rt::DType::F16, 0, 0}));
}

TEST_CASE("entries own their steps, loops their ends") {
  Emitted emitted;
  const PlanDescription &plan = emitted.description;
  REQUIRE(plan.entries.size() == 2);
  const EntryDescription &entry = plan.entries[1];
  REQUIRE(plan.entries[0].nSteps == 1);
  REQUIRE(plan.entries[0].rowParam == rt::none8);
  REQUIRE(entry.name == "everything");
  REQUIRE(entry.kind == rt::EntryKind::Verify);
  REQUIRE(entry.chunk == 3);
  REQUIRE(entry.posMax == 11);
  REQUIRE(entry.firstStep == 1);
  REQUIRE((entry.firstState == 1 && entry.nStates == 1));
  REQUIRE(entry.targetMask == 2);
  REQUIRE(entry.rowParam == 3);
  REQUIRE(entry.rowMax == 2);
  REQUIRE(entry.vocab == 8);
  REQUIRE(entry.variant == "slow");
  REQUIRE(entry.inputs.at(0).operand == 4);
  const TensorDescription &out = entry.outputs.at(0);
  REQUIRE(out.dims == std::vector<uint32_t>{8, 8});
  // A prefetch of all that its source has keeps its operand.
  REQUIRE(plan.args == std::vector<uint16_t>{0, 3, 1, 3, 2, 3, 4});
  REQUIRE(plan.operands.size() == 5);
  REQUIRE(same(plan.rows.at(2), rt::Rows{8, 4, 8, 8, rt::none8, 0, 0}));
  using rt::StepOp;
  const rt::Step expected[] = {
      {StepOp::End, 0, 0, 0},        {StepOp::Prefetch, 0, 0, 0},
      {StepOp::Wait, 255, 0, 0},     {StepOp::LoopBegin, 4, 2, 6},
      {StepOp::Dispatch, 1, 0, 2},   {StepOp::Wait, 1, 1, 0},
      {StepOp::LoopEnd, 0, 0, 3},    {StepOp::LoopParam, 4, 3, 9},
      {StepOp::Yield, 0, 0, 0},      {StepOp::LoopEnd, 0, 0, 7},
      {StepOp::Dma, 1, 1, 2},        {StepOp::Gather, 0, 2, 3},
      {StepOp::CacheClean, 1, 0, 1}, {StepOp::CacheInvalidate, 1, 0, 6},
      {StepOp::HostCall, 1, 7, 1},   {StepOp::Barrier, 0, 0, 0},
      {StepOp::Mark, 0, 42, 0},      {StepOp::KvCommit, 0, 1, 0},
      {StepOp::End, 0, 0, 0},
  };
  REQUIRE(plan.steps.size() == std::size(expected));
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    INFO("step " << i);
    REQUIRE(same(plan.steps[i], expected[i]));
  }
}

TEST_CASE("the model") {
  Emitted emitted;
  const PlanDescription &plan = emitted.description;
  REQUIRE(plan.model);
  REQUIRE(plan.model->name == "tiny");
  REQUIRE(plan.model->bosId == 1);
  REQUIRE(plan.model->eosIds == std::vector<int32_t>{2, 3});
  REQUIRE(plan.model->digest == std::nullopt);
  REQUIRE(plan.model->contextLength == 16);
}

TEST_CASE("the debug segment says what no runtime needs") {
  Emitted emitted;
  const std::string debug = describeDebug(*emitted.module, emitted.file, /*capacity=*/64);
  for (const char *part : {R"("kernels":["main"])", R"("metadata":{"made":"here"})",
                           R"({"estimated_cycles":1000,"max_cycles":2000,"peak_bytes":{"io":128}})",
                           R"("tokenizer":{"add_bos":true,"chat_template":"{}","kind":)"})
    CHECK_THAT(debug, Catch::Contains(part));
}

TEST_CASE("a prefetch of a part gets an operand of that part") {
  Emitted emitted;
  emitted.file.walk([](plan::PrefetchOp op) { op.setBytes(16); });
  const PlanDescription plan = emitFile(emitted.file, SegmentSources());
  REQUIRE(plan.operands.size() == 6);
  REQUIRE(same(plan.operands.at(5), rt::Operand{0, 16, 0, 1, rt::none8}));
  REQUIRE(plan.args.at(0) == 5);
}

TEST_CASE("what the dialect accepts, open accepts") {
  Emitted emitted;
  std::vector<uint8_t> bytes;
  PlanWriterResult written = writePlan(emitted.description, bytes);
  INFO(written.error);
  REQUIRE(written);
  llmc_source source = rt::memorySource(bytes.data(), bytes.size());
  rt::Plan opened;
  rt::Status status = rt::Plan::open(source, {}, &opened);
  INFO("code " << int(status.code) << " where " << int(status.where) << " detail "
               << status.detail);
  REQUIRE(status.ok());
  REQUIRE(opened.nEntries() == 2);
}

} // namespace llmc::test
