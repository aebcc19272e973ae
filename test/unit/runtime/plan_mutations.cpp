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
  RECORD(params, 3, Param, reserved, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_PARAM, 3);
}

void kernelMutations(Mutations &m, const Subject &subject) {
  RECORD(blobs, 1, Blob, offset, 113, LLMC_BAD_RANGE, LLMC_AT_BLOB, 1);
  RECORD(blobs, 1, Blob, offset, none, LLMC_BAD_RANGE, LLMC_AT_BLOB, 1);
  RECORD(blobs, 1, Blob, size, 0, LLMC_BAD_RANGE, LLMC_AT_KERNEL, 1);
  RECORD(blobs, 1, Blob, size, none, LLMC_BAD_RANGE, LLMC_AT_BLOB, 1);
  RECORD(blobs, 1, Blob, segment, 3, LLMC_BAD_INDEX, LLMC_AT_BLOB, 1);
  RECORD(blobs, 1, Blob, segment, 1, LLMC_BAD_VALUE, LLMC_AT_BLOB, 1);
  RECORD(blobs, 1, Blob, target, 1, LLMC_BAD_INDEX, LLMC_AT_BLOB, 1);
  RECORD(kernels, 1, Kernel, entry, 16, LLMC_BAD_RANGE, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, blob, 5, LLMC_BAD_INDEX, LLMC_AT_KERNEL, 1);
  RECORD(kernels, 1, Kernel, nArgs, 33, LLMC_BAD_VALUE, LLMC_AT_KERNEL, 1);
  RECORD(queues, 0, Queue, target, 1, LLMC_BAD_INDEX, LLMC_AT_PLAN, rt::fb::plan::queues);
  RECORD(rows, 0, Rows, bytes, 0, LLMC_BAD_VALUE, LLMC_AT_ROWS, 0);
  RECORD(rows, 0, Rows, bytes, 17, LLMC_BAD_VALUE, LLMC_AT_ROWS, 0);
  RECORD(rows, 0, Rows, count, 0, LLMC_BAD_VALUE, LLMC_AT_ROWS, 0);
  RECORD(rows, 0, Rows, count, 7, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(rows, 0, Rows, count, 9, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(rows, 0, Rows, count, none, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(rows, 0, Rows, srcPitch, 17, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(rows, 0, Rows, srcPitch, 15, LLMC_BAD_VALUE, LLMC_AT_ROWS, 0);
  RECORD(rows, 0, Rows, dstPitch, none, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(rows, 0, Rows, dstPitch, 0, LLMC_BAD_VALUE, LLMC_AT_ROWS, 0);
  RECORD(rows, 0, Rows, countParam, 10, LLMC_BAD_INDEX, LLMC_AT_ROWS, 0);
  RECORD(rows, 0, Rows, countParam, pLength, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(rows, 0, Rows, reserved0, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_ROWS, 0);
  RECORD(rows, 0, Rows, reserved1, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_ROWS, 0);
  RECORD(rows, 1, Rows, bytes, 17, LLMC_BAD_VALUE, LLMC_AT_ROWS, 1);
  RECORD(rows, 1, Rows, count, vocab + 1, LLMC_BAD_RANGE, LLMC_AT_STEP, 1);
  RECORD(rows, 1, Rows, srcPitch, 17, LLMC_BAD_RANGE, LLMC_AT_STEP, 1);
  RECORD(rows, 1, Rows, dstPitch, 17, LLMC_BAD_RANGE, LLMC_AT_STEP, 1);
  RECORD(rows, 1, Rows, countParam, pValid, LLMC_BAD_VALUE, LLMC_AT_STEP, 1);
}

void stateMutations(Mutations &m, const Subject &subject) {
  RECORD(states, 0, State, maxTokens, 0, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, maxTokens, 39, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, maxTokens, 49, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, maxTokens, none, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, window, 49, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, tokenStride, 17, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, layerStride, none, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, offset, 1, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, offset, ~uint64_t(0), LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, region, 4, LLMC_BAD_INDEX, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, region, 2, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, layers, 0, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, layers, 3, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, heads, 0, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, heads, 2, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, headDim, 0, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, headDim, 65535, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, scaleState, 0, LLMC_BAD_INDEX, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, scaleState, 1, LLMC_BAD_INDEX, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, kind, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, role, 5, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, dtype, 8, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, reserved0, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_STATE, 0);
  RECORD(states, 0, State, reserved1, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_STATE, 0);
}

/// Steps of prefill16: 0 mark, 1 gather, 2 clean, 3 loop, 4 writeKv, 5 clearSums, 6 loop, 7 dma, 8
/// addTile, 9 end, 10 wait, 11 finishLayer, 12 end, 13 yield, 14 barrier, 15 commit, 16 invalidate,
/// 17 end.
void stepMutations(Mutations &m, const Subject &subject) {
  auto bad = [&](uint32_t at, auto member, const char *name, uint64_t value, rt::Code code) {
    m.record(name, subject.plan.steps(), at, member, value, code, LLMC_AT_STEP, at);
  };
  using S = rt::Step;
  bad(0, &S::op, "Step.op", 16, LLMC_BAD_VALUE);
  bad(0, &S::op, "Step.op", 0, LLMC_BAD_NESTING);   // End too early
  bad(17, &S::op, "Step.op", 13, LLMC_BAD_NESTING); // no End
  bad(0, &S::queue, "Step.queue", 1, LLMC_BAD_VALUE);
  bad(4, &S::queue, "Step.queue", 1, LLMC_BAD_INDEX);
  bad(7, &S::queue, "Step.queue", 8, LLMC_BAD_INDEX);
  bad(10, &S::queue, "Step.queue", 1, LLMC_BAD_INDEX);
  bad(16, &S::queue, "Step.queue", 1, LLMC_BAD_INDEX);
  bad(3, &S::queue, "Step.queue", 10, LLMC_BAD_INDEX);
  bad(3, &S::queue, "Step.queue", pRow, LLMC_BAD_VALUE);
  bad(6, &S::queue, "Step.queue", pLayer, LLMC_BAD_RANGE);
  bad(1, &S::a, "Step.a", 2, LLMC_BAD_INDEX);
  bad(1, &S::a, "Step.a", 0, LLMC_BAD_VALUE);
  bad(1, &S::b, "Step.b", none, LLMC_BAD_INDEX);
  bad(1, &S::b, "Step.b", uint32_t(subject.plan.args().size - 2), LLMC_BAD_INDEX);
  bad(2, &S::b, "Step.b", uint32_t(subject.plan.args().size), LLMC_BAD_INDEX);
  bad(2, &S::a, "Step.a", 1, LLMC_BAD_VALUE);
  bad(3, &S::a, "Step.a", 0, LLMC_BAD_VALUE);
  bad(3, &S::a, "Step.a", 3, LLMC_BAD_RANGE);
  bad(3, &S::a, "Step.a", 65535, LLMC_BAD_RANGE);
  bad(3, &S::b, "Step.b", 9, LLMC_BAD_NESTING);
  bad(3, &S::b, "Step.b", 3, LLMC_BAD_NESTING);
  bad(3, &S::b, "Step.b", none, LLMC_BAD_NESTING);
  bad(6, &S::a, "Step.a", 10, LLMC_BAD_INDEX);
  bad(6, &S::a, "Step.a", pLength, LLMC_BAD_RANGE);
  bad(4, &S::a, "Step.a", 5, LLMC_BAD_INDEX);
  bad(4, &S::b, "Step.b", none, LLMC_BAD_INDEX);
  bad(7, &S::a, "Step.a", 2, LLMC_BAD_INDEX);
  bad(7, &S::b, "Step.b", 0, LLMC_BAD_VALUE); // a table, and ids that a device does not write
  bad(15, &S::a, "Step.a", 1, LLMC_BAD_INDEX);
  bad(13, &S::b, "Step.b", 1, LLMC_BAD_VALUE);
  bad(14, &S::a, "Step.a", 1, LLMC_BAD_VALUE);
  bad(17, &S::b, "Step.b", 1, LLMC_BAD_VALUE);
}

void entryMutations(Mutations &m, const Subject &subject) {
  RECORD(targets, 0, Target, backend, 9999, LLMC_BAD_INDEX, LLMC_AT_TARGET, 0);
  RECORD(targets, 0, Target, device, rt::none16, LLMC_BAD_INDEX, LLMC_AT_TARGET, 0);
  RECORD(targets, 0, Target, variant, 9999, LLMC_BAD_INDEX, LLMC_AT_TARGET, 0);
  RECORD(targets, 0, Target, reserved, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_TARGET, 0);
  RECORD(entries, 1, Entry, kind, 7, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, chunk, 0, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, chunk, 17, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, chunk, 3, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2); // other than its ids
  RECORD(entries, 1, Entry, posMax, context, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, firstStep, 19, LLMC_BAD_RANGE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, nSteps, 0, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, nSteps, none, LLMC_BAD_RANGE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, targetMask, 2, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, targetMask, 0, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, name, rt::none16, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, variant, 9999, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, firstState, 1, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, nStates, 2, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, nStates, 0, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, firstTensor, 9999, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, nInputs, 255, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, nInputs, 0, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2);
  RECORD(entries, 1, Entry, nOutputs, 255, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 1);
  RECORD(entries, 3, Entry, rowParam, 10, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 3);
  RECORD(entries, 3, Entry, rowParam, 255, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 3);
  RECORD(entries, 3, Entry, rowParam, pPos, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 3);
  RECORD(entries, 3, Entry, rowParam, pLayer, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 3);
  RECORD(entries, 3, Entry, rowMax, 16, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 3);
  RECORD(entries, 1, Entry, reserved, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_ENTRY, 1);
  RECORD(entries, 1, Entry, vocab, 0, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2);
  RECORD(entries, 1, Entry, vocab, 0x80000000u, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2);
  RECORD(entries, 3, Entry, vocab, 23, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 6);
}

void tensorMutations(Mutations &m, const Subject &subject) {
  RECORD(tensors, 2, Tensor, name, rt::none16, LLMC_BAD_INDEX, LLMC_AT_TENSOR, 2);
  RECORD(tensors, 2, Tensor, role, 4, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2);
  RECORD(tensors, 2, Tensor, role, 3, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2);
  // Several: what the size of an unknown type would be depends on what lies behind the known sizes.
  for (const uint8_t dtype : {8, 9, 100, 255})
    RECORD(tensors, 2, Tensor, dtype, dtype, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2);
  RECORD(tensors, 2, Tensor, dtype, 3, LLMC_BAD_RANGE, LLMC_AT_TENSOR, 2);
  RECORD(tensors, 2, Tensor, operand, 13, LLMC_BAD_INDEX, LLMC_AT_TENSOR, 2);
  RECORD(tensors, 2, Tensor, operand, 1, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2);
  RECORD(tensors, 2, Tensor, firstDim, 9999, LLMC_BAD_INDEX, LLMC_AT_TENSOR, 2);
  RECORD(tensors, 2, Tensor, rank, 0, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2);
  RECORD(tensors, 2, Tensor, rank, 9, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 2);
  RECORD(tensors, 2, Tensor, rank, 2, LLMC_BAD_RANGE, LLMC_AT_TENSOR, 2);
  RECORD(tensors, 2, Tensor, reserved, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_TENSOR, 2);
  // Shared with an earlier tensor, where it is seen first.
  const uint32_t *dim = &subject.plan.numbers()[subject.plan.tensors()[2].firstDim];
  for (const auto &[value, code] : {std::pair(5u, LLMC_BAD_RANGE), {0u, LLMC_BAD_VALUE}})
    m.add({"Plan.numbers", subject.offsetOf(dim), 4, value, code, LLMC_AT_TENSOR, 1});
}

void rootMutations(Mutations &m, const Subject &subject) {
  auto value = [&](const char *name, const void *at, size_t size, uint64_t v, rt::Code code,
                   rt::Where where, uint32_t detail) {
    m.add({name, subject.offsetOf(at), size, v, code, where, detail});
  };
  const auto *root = reinterpret_cast<const flatbuffers::Table *>(subject.root);
  const uint8_t *features = root->GetAddressOf(fb::Plan::VT_REQUIRED_FEATURES);
  for (uint64_t wrong : {0x100u | 0x6Fu, 0u})
    value("Plan.required_features", features, 8, wrong, LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN,
          rt::fb::plan::requiredFeatures);
  value("Plan.args", subject.root->args()->Data(), 2, 13, LLMC_BAD_INDEX, LLMC_AT_STEP, 1);
  const auto *model = reinterpret_cast<const rt::Model *>(subject.root->model());
  value("Model.name", &model->name, 2, 9999, LLMC_BAD_INDEX, LLMC_AT_MODEL, 0);
  value("Model.architecture", &model->architecture, 2, 9999, LLMC_BAD_INDEX, LLMC_AT_MODEL, 0);
  value("Model.quantization", &model->quantization, 2, 9999, LLMC_BAD_INDEX, LLMC_AT_MODEL, 0);
  value("Model.firstEos", &model->firstEos, 2, 9999, LLMC_BAD_INDEX, LLMC_AT_MODEL, 0);
  value("Model.nEos", &model->nEos, 2, 9999, LLMC_BAD_INDEX, LLMC_AT_MODEL, 0);
}

} // namespace llmc::test
