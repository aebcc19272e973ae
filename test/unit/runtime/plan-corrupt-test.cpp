// Hostile plans: every field of every record set to something wrong is refused at its place.
#include "test/unit/runtime/plan_mutations.h"

using namespace llmc;
using namespace llmc::test;

namespace {

constexpr uint32_t none = rt::none32;

void regionMutations(Mutations &m, const Subject &subject) {
  RECORD(regions, 1, Region, size, 0, LLMC_BAD_VALUE, LLMC_AT_REGION, 1);
  RECORD(regions, 0, Region, size, 10000, LLMC_BAD_RANGE, LLMC_AT_REGION, 0);
  RECORD(regions, 1, Region, size, 1535, LLMC_BAD_RANGE, LLMC_AT_STATE, 0);
  RECORD(regions, 0, Region, size, 500, LLMC_BAD_RANGE, LLMC_AT_SEGMENT, 1);
  RECORD(regions, 2, Region, reserved, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_REGION, 2);
  RECORD(regions, 2, Region, name, 1000, LLMC_BAD_INDEX, LLMC_AT_REGION, 2);
  RECORD(regions, 2, Region, alignLog2, 17, LLMC_BAD_VALUE, LLMC_AT_REGION, 2);
  RECORD(regions, 0, Region, alignLog2, 5, LLMC_BAD_ALIGNMENT, LLMC_AT_SEGMENT, 0);
  RECORD(regions, 2, Region, alignLog2, 1, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 6);
  RECORD(regions, 3, Region, kind, 7, LLMC_BAD_VALUE, LLMC_AT_REGION, 3);
  RECORD(regions, 1, Region, kind, 0, LLMC_BAD_VALUE, LLMC_AT_REGION, 1);
  RECORD(regions, 1, Region, lifetime, 4, LLMC_BAD_VALUE, LLMC_AT_REGION, 1);
  RECORD(regions, 1, Region, lifetime, 0, LLMC_BAD_VALUE, LLMC_AT_REGION, 1);
  RECORD(regions, 1, Region, lifetime, 2, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(regions, 3, Region, access, 0, LLMC_BAD_VALUE, LLMC_AT_REGION, 3);
  RECORD(regions, 3, Region, access, 32, LLMC_BAD_VALUE, LLMC_AT_REGION, 3);
  RECORD(regions, 0, Region, access, 2, LLMC_BAD_VALUE, LLMC_AT_REGION, 0);
  RECORD(regions, 0, Region, access, 4, LLMC_BAD_VALUE, LLMC_AT_BLOB, 0);
  RECORD(regions, 3, Region, access, 8, LLMC_BAD_VALUE, LLMC_AT_STEP, 5);
  RECORD(regions, 3, Region, access, 4, LLMC_BAD_VALUE, LLMC_AT_STEP, 5);
}

void segmentMutations(Mutations &m, const Subject &subject) {
  RECORD(segments, 0, Segment, offset, 64, LLMC_BAD_RANGE, LLMC_AT_SEGMENT, 0);
  RECORD(segments, 1, Segment, offset, ~uint64_t(63), LLMC_BAD_RANGE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, offset, subject.plan.segments()[1].offset + 32, LLMC_BAD_ALIGNMENT,
         LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, offset, subject.plan.segments()[0].offset, LLMC_OVERLAP,
         LLMC_AT_SEGMENT, 1);
  RECORD(segments, 0, Segment, size, 0, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 0);
  RECORD(segments, 0, Segment, size, ~uint64_t(0), LLMC_BAD_RANGE, LLMC_AT_SEGMENT, 0);
  RECORD(segments, 0, Segment, size, 129, LLMC_OVERLAP, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 2, Segment, size, 63, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 2);
  RECORD(segments, 1, Segment, regionOffset, 192, LLMC_BAD_RANGE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, regionOffset, 64, LLMC_OVERLAP, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, regionOffset, 100, LLMC_BAD_ALIGNMENT, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, digest, 2, LLMC_BAD_INDEX, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 2, Segment, digest, 0, LLMC_BAD_INDEX, LLMC_AT_SEGMENT, 2);
  RECORD(segments, 1, Segment, name, 7777, LLMC_BAD_INDEX, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, region, 4, LLMC_BAD_INDEX, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, region, 1, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, region, rt::none16, LLMC_BAD_RANGE, LLMC_AT_REGION, 0);
  RECORD(segments, 1, Segment, flags, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, kind, 8, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 0, Segment, kind, 0, LLMC_BAD_VALUE, LLMC_AT_BLOB, 0);
  RECORD(segments, 2, Segment, kind, 0, LLMC_BAD_INDEX, LLMC_AT_SEGMENT, 0);
  RECORD(segments, 1, Segment, alignLog2, 17, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, alignLog2, 16, LLMC_BAD_ALIGNMENT, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, codec, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, chunkLog2, 9, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, chunkLog2, 31, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, reserved, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_SEGMENT, 1);
}

void operandMutations(Mutations &m, const Subject &subject) {
  RECORD(operands, 3, Operand, offset, 705 - 256, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, offset, none, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 2, Operand, offset, 1, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 2);
  RECORD(operands, 1, Operand, extent, 0, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 1);
  RECORD(operands, 1, Operand, extent, none, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 1);
  RECORD(operands, 2, Operand, extent, tileRows * rowBytes + 1, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 2);
  RECORD(operands, 5, Operand, extent, 112, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(operands, 4, Operand, extent, 380, LLMC_BAD_RANGE, LLMC_AT_TENSOR, 7);
  RECORD(operands, 7, Operand, extent, 12, LLMC_BAD_RANGE, LLMC_AT_TENSOR, 2);
  RECORD(operands, 3, Operand, region, 4, LLMC_BAD_INDEX, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, access, 0, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, access, 4, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, access, LLMC_READ, LLMC_BAD_VALUE, LLMC_AT_STEP, 1);
  RECORD(operands, 0, Operand, access, LLMC_WRITE, LLMC_BAD_VALUE, LLMC_AT_STEP, 1);
  RECORD(operands, 2, Operand, access, LLMC_WRITE, LLMC_BAD_VALUE, LLMC_AT_STEP, 7);
  RECORD(operands, 3, Operand, move, 2, LLMC_BAD_INDEX, LLMC_AT_OPERAND, 3);
  RECORD(operands, 6, Operand, move, 0, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 0);
  RECORD(moves, 0, Move, offset, 1, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 1);
  RECORD(moves, 0, Move, offset, ~uint64_t(0), LLMC_BAD_RANGE, LLMC_AT_OPERAND, 1);
  RECORD(moves, 0, Move, extent, layerBytes + 1, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 1);
  RECORD(moves, 0, Move, extent, ~uint64_t(0), LLMC_BAD_RANGE, LLMC_AT_OPERAND, 1);
  RECORD(moves, 0, Move, reserved, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_MOVE, 0);
  const rt::Move *moves = subject.plan.moves().data;
  auto array = [&](const char *name, const auto &element, uint64_t value, rt::Code code,
                   rt::Where where, uint32_t index) {
    Mutation mutation = {name, subject.offsetOf(&element), sizeof(element), value, code, where,
                         index};
    m.add(mutation);
  };
  array("Move.stride", moves[0].stride[0], layerBytes + 1, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 1);
  array("Move.stride", moves[1].stride[1], tileRows * rowBytes + 1, LLMC_BAD_RANGE, LLMC_AT_OPERAND,
        2);
  array("Move.stride", moves[1].stride[1], none, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 2);
  array("Move.stride", moves[1].stride[2], 1, LLMC_BAD_INDEX, LLMC_AT_MOVE, 1);
  array("Move.param", moves[0].param[0], 10, LLMC_BAD_INDEX, LLMC_AT_MOVE, 0);
  array("Move.param", moves[0].param[0], rt::none8, LLMC_BAD_INDEX, LLMC_AT_MOVE, 0);
  array("Move.param", moves[0].param[0], pPos, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 1);
  array("Move.param", moves[0].param[2], pPos, LLMC_BAD_VALUE, LLMC_AT_MOVE, 0);
}

/// Fields for which no value is wrong: figures, hashes, the device's own numbers.
const std::set<std::string> freeFields = {
    "Target.config",    "Target.abi",      "Target.driverMin", "Kernel.estCycles",
    "Kernel.stack",     "Queue.index",     "State.headStride", "State.layoutHash",
    "Model.digest",     "Model.vocabSize", "Model.bosId",      "Model.contextLength",
    "Model.hiddenSize", "Model.layers",    "Model.heads",      "Model.kvHeads",
    "Model.headDim"};

const char *const structFields[] = {"Target.config",
                                    "Target.abi",
                                    "Target.driverMin",
                                    "Target.backend",
                                    "Target.device",
                                    "Target.variant",
                                    "Target.reserved",
                                    "Region.size",
                                    "Region.name",
                                    "Region.reserved",
                                    "Region.alignLog2",
                                    "Region.kind",
                                    "Region.lifetime",
                                    "Region.access",
                                    "Segment.offset",
                                    "Segment.size",
                                    "Segment.regionOffset",
                                    "Segment.digest",
                                    "Segment.name",
                                    "Segment.region",
                                    "Segment.flags",
                                    "Segment.reserved",
                                    "Segment.kind",
                                    "Segment.alignLog2",
                                    "Segment.codec",
                                    "Segment.chunkLog2",
                                    "Operand.offset",
                                    "Operand.extent",
                                    "Operand.region",
                                    "Operand.access",
                                    "Operand.move",
                                    "Move.offset",
                                    "Move.extent",
                                    "Move.stride",
                                    "Move.param",
                                    "Move.reserved",
                                    "Param.max",
                                    "Param.imm",
                                    "Param.kind",
                                    "Param.a",
                                    "Param.b",
                                    "Param.reserved",
                                    "Blob.offset",
                                    "Blob.size",
                                    "Blob.segment",
                                    "Blob.target",
                                    "Kernel.entry",
                                    "Kernel.estCycles",
                                    "Kernel.stack",
                                    "Kernel.blob",
                                    "Kernel.nArgs",
                                    "Queue.target",
                                    "Queue.index",
                                    "Rows.bytes",
                                    "Rows.count",
                                    "Rows.srcPitch",
                                    "Rows.dstPitch",
                                    "Rows.countParam",
                                    "Rows.reserved0",
                                    "Rows.reserved1",
                                    "Step.op",
                                    "Step.queue",
                                    "Step.a",
                                    "Step.b",
                                    "State.offset",
                                    "State.maxTokens",
                                    "State.window",
                                    "State.tokenStride",
                                    "State.headStride",
                                    "State.layerStride",
                                    "State.layoutHash",
                                    "State.region",
                                    "State.layers",
                                    "State.heads",
                                    "State.headDim",
                                    "State.scaleState",
                                    "State.kind",
                                    "State.role",
                                    "State.dtype",
                                    "State.reserved0",
                                    "State.reserved1",
                                    "Tensor.name",
                                    "Tensor.operand",
                                    "Tensor.firstDim",
                                    "Tensor.rank",
                                    "Tensor.role",
                                    "Tensor.dtype",
                                    "Tensor.reserved",
                                    "Entry.firstStep",
                                    "Entry.nSteps",
                                    "Entry.chunk",
                                    "Entry.posMax",
                                    "Entry.rowMax",
                                    "Entry.vocab",
                                    "Entry.name",
                                    "Entry.variant",
                                    "Entry.firstTensor",
                                    "Entry.firstState",
                                    "Entry.nStates",
                                    "Entry.nInputs",
                                    "Entry.nOutputs",
                                    "Entry.kind",
                                    "Entry.targetMask",
                                    "Entry.rowParam",
                                    "Entry.reserved",
                                    "Model.digest",
                                    "Model.vocabSize",
                                    "Model.contextLength",
                                    "Model.bosId",
                                    "Model.hiddenSize",
                                    "Model.layers",
                                    "Model.heads",
                                    "Model.kvHeads",
                                    "Model.headDim",
                                    "Model.name",
                                    "Model.architecture",
                                    "Model.quantization",
                                    "Model.firstEos",
                                    "Model.nEos"};

} // namespace

TEST_CASE("every wrong field is refused at its place") {
  Subject subject;
  Mutations m(subject);
  regionMutations(m, subject);
  segmentMutations(m, subject);
  operandMutations(m, subject);
  paramMutations(m, subject);
  kernelMutations(m, subject);
  stateMutations(m, subject);
  stepMutations(m, subject);
  entryMutations(m, subject);
  tensorMutations(m, subject);
  rootMutations(m, subject);
  m.runAll();
  std::set<std::string> named = m.names();
  for (const char *field : structFields) {
    INFO(field);
    CHECK((named.count(field) == 1) != (freeFields.count(field) == 1));
  }
}
