// Wrong values for parameters, kernels, copies, states, steps and tables.
#include "test/unit/runtime/plan_mutations.h"

namespace llmc::test {

namespace {
constexpr uint32_t none = rt::none32;
}

void paramMutations(Mutations &m, const Subject &subject) {
  RECORD(params, 1, Param, max, 15, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 0);
  RECORD(params, 2, Param, max, 49, LLMC_BAD_RANGE, LLMC_AT_PARAM, pTiles);
  RECORD(params, 4, Param, max, 0, LLMC_BAD_RANGE, LLMC_AT_STEP, 3);
  RECORD(params, 4, Param, max, 2, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 1);
  RECORD(params, 5, Param, max, 6, LLMC_BAD_RANGE, LLMC_AT_PARAM, pStart);
  RECORD(params, 6, Param, max, 4, LLMC_BAD_RANGE, LLMC_AT_PARAM, pTiles);
  RECORD(params, 9, Param, max, 7, LLMC_BAD_RANGE, LLMC_AT_PARAM, pValid);
  RECORD(params, 3, Param, imm, 16, LLMC_BAD_VALUE, LLMC_AT_PARAM, 3);
  RECORD(params, 4, Param, imm, 1, LLMC_BAD_VALUE, LLMC_AT_PARAM, 4);
  RECORD(params, 6, Param, imm, 0, LLMC_BAD_VALUE, LLMC_AT_PARAM, pTiles);
  RECORD(params, 7, Param, imm, 32, LLMC_BAD_VALUE, LLMC_AT_PARAM, pStart);
  RECORD(params, 7, Param, imm, 31, LLMC_BAD_RANGE, LLMC_AT_PARAM, pStart);
  RECORD(params, 9, Param, imm, 9, LLMC_BAD_RANGE, LLMC_AT_PARAM, pValid);
  RECORD(params, 0, Param, kind, 2, LLMC_BAD_VALUE, LLMC_AT_PARAM, 0);
  RECORD(params, 2, Param, kind, 0, LLMC_BAD_VALUE, LLMC_AT_PARAM, 2);
  RECORD(params, 3, Param, kind, 1, LLMC_BAD_VALUE, LLMC_AT_PARAM, 3);
  RECORD(params, 3, Param, kind, 2, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 3);
  RECORD(params, 9, Param, kind, 11, LLMC_BAD_VALUE, LLMC_AT_PARAM, 9);
  RECORD(params, 6, Param, kind, 5, LLMC_BAD_RANGE, LLMC_AT_PARAM, 6);
  RECORD(params, 4, Param, kind, 0, LLMC_BAD_VALUE, LLMC_AT_STEP, 3);
  RECORD(params, 6, Param, a, 6, LLMC_BAD_INDEX, LLMC_AT_PARAM, 6);
  RECORD(params, 6, Param, a, rt::none8, LLMC_BAD_INDEX, LLMC_AT_PARAM, 6);
  RECORD(params, 4, Param, a, 0, LLMC_BAD_INDEX, LLMC_AT_PARAM, 4);
  RECORD(params, 8, Param, b, 8, LLMC_BAD_INDEX, LLMC_AT_PARAM, 8);
  RECORD(params, 6, Param, b, 0, LLMC_BAD_VALUE, LLMC_AT_PARAM, 6);
  RECORD(params, 3, Param, b, 0, LLMC_BAD_INDEX, LLMC_AT_PARAM, 3);
  RECORD(params, 3, Param, reserved, 1, LLMC_BAD_VALUE, LLMC_AT_PARAM, 3);
}

void kernelMutations(Mutations &m, const Subject &subject) {
  RECORD(kernels, 1, Kernel, offset, 113, LLMC_BAD_RANGE, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, offset, ~uint64_t(0), LLMC_BAD_RANGE, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, size, 0, LLMC_BAD_RANGE, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, size, none, LLMC_BAD_RANGE, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, entry, 16, LLMC_BAD_RANGE, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, name, 99, LLMC_BAD_INDEX, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, segment, 3, LLMC_BAD_INDEX, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, segment, 1, LLMC_BAD_VALUE, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, target, 1, LLMC_BAD_INDEX, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, abi, 2, LLMC_BAD_VALUE, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, nArgs, 33, LLMC_BAD_VALUE, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, nArgs, 2, LLMC_BAD_VALUE, LLMC_AT_STEP, 5);
  RECORD(kernels, 1, Kernel, reserved, 1, LLMC_BAD_VALUE, LLMC_AT_KERNEL, 1);
  RECORD(queues, 0, Queue, target, 1, LLMC_BAD_INDEX, LLMC_AT_PLAN, rt::fb::plan::queues);
  RECORD(dmas, 0, Dma, rowBytes, 0, LLMC_BAD_VALUE, LLMC_AT_PLAN, rt::fb::plan::dmas);
  RECORD(dmas, 0, Dma, rowBytes, 17, LLMC_BAD_VALUE, LLMC_AT_PLAN, rt::fb::plan::dmas);
  RECORD(dmas, 0, Dma, rows, 0, LLMC_BAD_VALUE, LLMC_AT_PLAN, rt::fb::plan::dmas);
  RECORD(dmas, 0, Dma, rows, 7, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(dmas, 0, Dma, rows, 9, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(dmas, 0, Dma, rows, none, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(dmas, 0, Dma, srcPitch, 17, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(dmas, 0, Dma, srcPitch, 15, LLMC_BAD_VALUE, LLMC_AT_PLAN, rt::fb::plan::dmas);
  RECORD(dmas, 0, Dma, dstPitch, none, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(dmas, 0, Dma, dstPitch, 0, LLMC_BAD_VALUE, LLMC_AT_PLAN, rt::fb::plan::dmas);
  RECORD(dmas, 0, Dma, rowsParam, 10, LLMC_BAD_INDEX, LLMC_AT_PLAN, rt::fb::plan::dmas);
  RECORD(dmas, 0, Dma, rowsParam, pLength, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(dmas, 0, Dma, reserved0, 1, LLMC_BAD_VALUE, LLMC_AT_PLAN, rt::fb::plan::dmas);
  RECORD(dmas, 0, Dma, reserved1, 1, LLMC_BAD_VALUE, LLMC_AT_PLAN, rt::fb::plan::dmas);
}

void stateMutations(Mutations &m, const Subject &subject) {
  RECORD(states, 0, State, maxTokens, 0, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, maxTokens, 39, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, maxTokens, 49, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, maxTokens, none, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, window, 49, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, tokenStride, 17, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, layerStride, none, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, buffer, 7, LLMC_BAD_INDEX, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, buffer, 3, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, layers, 0, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, layers, 3, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, heads, 0, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, heads, 2, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, headDim, 0, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, headDim, 65535, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, pageTokens, 1, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, scaleState, 0, LLMC_BAD_INDEX, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, scaleState, 1, LLMC_BAD_INDEX, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, kind, 5, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, kind, 2, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, role, 5, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, dtype, 8, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, reserved, 1, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
}

/// Steps of prefill16: 0 mark, 1 gather, 2 clean, 3 loop, 4 writeKv, 5 clearSums, 6 loop, 7 dma, 8
/// addTile, 9 end, 10 wait, 11 finishLayer, 12 end, 13 yield, 14 barrier, 15 commit, 16 invalidate,
/// 17 end.
void stepMutations(Mutations &m, const Subject &subject) {
  auto bad = [&](uint32_t at, auto member, const char *name, uint64_t value, rt::Code code) {
    m.record(name, subject.plan.steps(), at, member, value, code, LLMC_AT_STEP, at);
  };
  using S = rt::Step;
  bad(0, &S::op, "Step.op", 15, LLMC_BAD_VALUE);
  bad(0, &S::op, "Step.op", 0, LLMC_BAD_NESTING);   // End too early
  bad(17, &S::op, "Step.op", 13, LLMC_BAD_NESTING); // no End
  bad(0, &S::queue, "Step.queue", 1, LLMC_BAD_VALUE);
  bad(4, &S::queue, "Step.queue", 1, LLMC_BAD_INDEX);
  bad(7, &S::queue, "Step.queue", 8, LLMC_BAD_INDEX);
  bad(10, &S::queue, "Step.queue", 1, LLMC_BAD_INDEX);
  bad(16, &S::queue, "Step.queue", 1, LLMC_BAD_INDEX);
  bad(4, &S::flags, "Step.flags", 1, LLMC_BAD_VALUE);
  bad(3, &S::flags, "Step.flags", 2, LLMC_BAD_VALUE);
  bad(1, &S::a, "Step.a", none, LLMC_BAD_INDEX);
  bad(1, &S::b, "Step.b", 0, LLMC_BAD_VALUE);
  bad(1, &S::b, "Step.b", 17, LLMC_BAD_RANGE);
  bad(1, &S::c, "Step.c", 0, LLMC_BAD_VALUE);
  bad(1, &S::c, "Step.c", vocab + 1, LLMC_BAD_RANGE);
  bad(2, &S::a, "Step.a", 13, LLMC_BAD_INDEX);
  bad(2, &S::b, "Step.b", 1, LLMC_BAD_VALUE);
  bad(3, &S::a, "Step.a", 10, LLMC_BAD_INDEX);
  bad(3, &S::a, "Step.a", pRow, LLMC_BAD_VALUE);
  bad(3, &S::b, "Step.b", 0, LLMC_BAD_VALUE);
  bad(3, &S::b, "Step.b", 3, LLMC_BAD_RANGE);
  bad(3, &S::b, "Step.b", none, LLMC_BAD_RANGE);
  bad(3, &S::c, "Step.c", 9, LLMC_BAD_NESTING);
  bad(3, &S::c, "Step.c", 3, LLMC_BAD_NESTING);
  bad(3, &S::c, "Step.c", none, LLMC_BAD_NESTING);
  bad(6, &S::a, "Step.a", pLayer, LLMC_BAD_RANGE);
  bad(6, &S::b, "Step.b", 10, LLMC_BAD_INDEX);
  bad(6, &S::b, "Step.b", pLength, LLMC_BAD_RANGE);
  bad(4, &S::a, "Step.a", 5, LLMC_BAD_INDEX);
  bad(4, &S::a, "Step.a", 1, LLMC_BAD_VALUE);
  bad(4, &S::b, "Step.b", none, LLMC_BAD_INDEX);
  bad(4, &S::c, "Step.c", 1, LLMC_BAD_VALUE);
  bad(7, &S::a, "Step.a", 13, LLMC_BAD_INDEX);
  bad(7, &S::b, "Step.b", 13, LLMC_BAD_INDEX);
  bad(7, &S::b, "Step.b", 0, LLMC_BAD_VALUE); // writes flash
  bad(7, &S::c, "Step.c", 1, LLMC_BAD_INDEX);
  bad(15, &S::a, "Step.a", 1, LLMC_BAD_INDEX);
  bad(13, &S::c, "Step.c", 1, LLMC_BAD_VALUE);
  bad(14, &S::a, "Step.a", 1, LLMC_BAD_VALUE);
  bad(17, &S::b, "Step.b", 1, LLMC_BAD_VALUE);
}

void tableMutations(Mutations &m, const Subject &subject) {
  auto table = [](const auto *t) { return reinterpret_cast<const flatbuffers::Table *>(t); };
  const fb::Entry *entry = subject.root->entries()->Get(1), *head = subject.root->entries()->Get(3);
  auto bad = [&](const fb::Entry *e, const char *name, unsigned vt, size_t size, uint64_t value,
                 rt::Code code, uint32_t index) {
    m.field(name, table(e), vt, size, value, code, LLMC_AT_ENTRY, index);
  };
  bad(entry, "Entry.kind", fb::Entry::VT_KIND, 1, 7, LLMC_BAD_VALUE, 1);
  bad(entry, "Entry.chunk", fb::Entry::VT_CHUNK, 4, 0, LLMC_BAD_VALUE, 1);
  bad(entry, "Entry.chunk", fb::Entry::VT_CHUNK, 4, 17, LLMC_BAD_VALUE, 1);
  bad(entry, "Entry.pos_max", fb::Entry::VT_POS_MAX, 4, context, LLMC_BAD_VALUE, 1);
  bad(entry, "Entry.first_step", fb::Entry::VT_FIRST_STEP, 4, 19, LLMC_BAD_RANGE, 1);
  bad(entry, "Entry.n_steps", fb::Entry::VT_N_STEPS, 4, 0, LLMC_BAD_RANGE, 1);
  bad(entry, "Entry.n_steps", fb::Entry::VT_N_STEPS, 4, none, LLMC_BAD_RANGE, 1);
  bad(entry, "Entry.target_mask", fb::Entry::VT_TARGET_MASK, 4, 2, LLMC_BAD_VALUE, 1);
  bad(entry, "Entry.target_mask", fb::Entry::VT_TARGET_MASK, 4, 0, LLMC_BAD_VALUE, 1);
  bad(head, "Entry.row_param", fb::Entry::VT_ROW_PARAM, 1, 10, LLMC_BAD_INDEX, 3);
  bad(head, "Entry.row_param", fb::Entry::VT_ROW_PARAM, 1, 255, LLMC_BAD_INDEX, 3);
  bad(head, "Entry.row_param", fb::Entry::VT_ROW_PARAM, 1, pPos, LLMC_BAD_VALUE, 3);
  bad(head, "Entry.row_max", fb::Entry::VT_ROW_MAX, 4, 16, LLMC_BAD_VALUE, 3);
  m.field("Entry.vocab", table(entry), fb::Entry::VT_VOCAB, 4, 0, LLMC_BAD_VALUE, LLMC_AT_TENSOR,
          256);
  m.field("Entry.vocab", table(entry), fb::Entry::VT_VOCAB, 4, 0x80000000u, LLMC_BAD_VALUE,
          LLMC_AT_TENSOR, 256);
  m.field("Entry.vocab", table(head), fb::Entry::VT_VOCAB, 4, 23, LLMC_BAD_VALUE, LLMC_AT_TENSOR,
          768);
  auto value = [&](const char *name, const void *at, size_t size, uint64_t v, rt::Code code,
                   rt::Where where, uint32_t detail) {
    m.add({name, subject.offsetOf(at), size, v, code, where, detail});
  };
  value("Entry.peak_bytes", entry->peak_bytes()->Data(), 8, 513, LLMC_BAD_RANGE, LLMC_AT_ENTRY, 1);
  value("Entry.peak_bytes", entry->peak_bytes()->Data() - 4, 4, 3, LLMC_BAD_VALUE, LLMC_AT_ENTRY,
        1);
  value("Entry.states", entry->states()->Data(), 2, 1, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 1);
  const fb::TensorDesc *ids = entry->inputs()->Get(0);
  m.field("TensorDesc.role", table(ids), fb::TensorDesc::VT_ROLE, 1, 4, LLMC_BAD_VALUE,
          LLMC_AT_TENSOR, 256);
  m.field("TensorDesc.role", table(ids), fb::TensorDesc::VT_ROLE, 1, 3, LLMC_BAD_VALUE,
          LLMC_AT_TENSOR, 256);
  m.field("TensorDesc.dtype", table(ids), fb::TensorDesc::VT_DTYPE, 1, 8, LLMC_BAD_VALUE,
          LLMC_AT_TENSOR, 256);
  m.field("TensorDesc.dtype", table(ids), fb::TensorDesc::VT_DTYPE, 1, 3, LLMC_BAD_RANGE,
          LLMC_AT_TENSOR, 256);
  m.field("TensorDesc.operand", table(ids), fb::TensorDesc::VT_OPERAND, 4, 13, LLMC_BAD_INDEX,
          LLMC_AT_TENSOR, 256);
  m.field("TensorDesc.operand", table(ids), fb::TensorDesc::VT_OPERAND, 4, 1, LLMC_BAD_VALUE,
          LLMC_AT_TENSOR, 256);
  value("TensorDesc.dims", ids->dims()->Data(), 4, 5, LLMC_BAD_RANGE, LLMC_AT_TENSOR, 256);
  value("TensorDesc.dims", ids->dims()->Data(), 4, 0, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 256);
  m.field("Plan.required_features", table(subject.root), fb::Plan::VT_REQUIRED_FEATURES, 8,
          0x100 | 0x6F, LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN, rt::fb::plan::requiredFeatures);
  m.field("Plan.required_features", table(subject.root), fb::Plan::VT_REQUIRED_FEATURES, 8, 0,
          LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN, rt::fb::plan::requiredFeatures);
  m.field("Plan.digest_segment", table(subject.root), fb::Plan::VT_DIGEST_SEGMENT, 2, 3,
          LLMC_BAD_INDEX, LLMC_AT_PLAN, rt::fb::plan::digestSegment);
  value("Plan.args", subject.root->args()->Data(), 2, 13, LLMC_BAD_INDEX, LLMC_AT_STEP, 1);
}

} // namespace llmc::test
