// Hostile plans: every field of every record set to something wrong is refused at its place.
#include "test/unit/runtime/plan_mutations.h"

using namespace llmc;
using namespace llmc::test;

namespace {

constexpr uint32_t none = rt::none32;

void regionMutations(Mutations &m, const Subject &subject) {
  RECORD(regions, 1, Region, size, 0, LLMC_BAD_VALUE, LLMC_AT_REGION, 1);
  RECORD(regions, 1, Region, size, 10000, LLMC_BAD_RANGE, LLMC_AT_REGION, 1);
  RECORD(regions, 1, Region, size, 1535, LLMC_BAD_RANGE, LLMC_AT_BUFFER, 2);
  RECORD(regions, 0, Region, size, 500, LLMC_BAD_RANGE, LLMC_AT_SEGMENT, 1);
  RECORD(regions, 2, Region, name, 1000, LLMC_BAD_INDEX, LLMC_AT_REGION, 2);
  RECORD(regions, 2, Region, alignLog2, 17, LLMC_BAD_VALUE, LLMC_AT_REGION, 2);
  RECORD(regions, 0, Region, alignLog2, 5, LLMC_BAD_ALIGNMENT, LLMC_AT_SEGMENT, 0);
  RECORD(regions, 2, Region, alignLog2, 1, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 3 * 256);
  RECORD(regions, 3, Region, kind, 7, LLMC_BAD_VALUE, LLMC_AT_REGION, 3);
  RECORD(regions, 1, Region, kind, 0, LLMC_BAD_VALUE, LLMC_AT_REGION, 1);
  RECORD(regions, 1, Region, lifetime, 4, LLMC_BAD_VALUE, LLMC_AT_REGION, 1);
  RECORD(regions, 1, Region, lifetime, 0, LLMC_BAD_VALUE, LLMC_AT_REGION, 1);
  RECORD(regions, 1, Region, lifetime, 2, LLMC_BAD_VALUE, LLMC_AT_STATE, 0);
  RECORD(regions, 3, Region, access, 0, LLMC_BAD_VALUE, LLMC_AT_REGION, 3);
  RECORD(regions, 3, Region, access, 32, LLMC_BAD_VALUE, LLMC_AT_REGION, 3);
  RECORD(regions, 0, Region, access, 2, LLMC_BAD_VALUE, LLMC_AT_REGION, 0);
  RECORD(regions, 0, Region, access, 4, LLMC_BAD_VALUE, LLMC_AT_KERNEL, 0);
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
  RECORD(segments, 1, Segment, name, 77, LLMC_BAD_INDEX, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, key, 0, LLMC_UNKNOWN_FEATURE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, region, 4, LLMC_BAD_INDEX, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, region, 1, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, region, rt::none16, LLMC_BAD_RANGE, LLMC_AT_BUFFER, 1);
  RECORD(segments, 1, Segment, flags, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, kind, 8, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, kind, 3, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 0, Segment, kind, 0, LLMC_BAD_VALUE, LLMC_AT_KERNEL, 0);
  RECORD(segments, 2, Segment, kind, 0, LLMC_BAD_INDEX, LLMC_AT_PLAN, rt::fb::plan::digestSegment);
  RECORD(segments, 1, Segment, alignLog2, 17, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, alignLog2, 16, LLMC_BAD_ALIGNMENT, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, codec, 1, LLMC_UNKNOWN_FEATURE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, chunkLog2, 9, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, chunkLog2, 31, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, reserved, 1, LLMC_BAD_VALUE, LLMC_AT_SEGMENT, 1);
}

void bufferMutations(Mutations &m, const Subject &subject) {
  RECORD(buffers, 4, Buffer, offset, 700, LLMC_BAD_RANGE, LLMC_AT_BUFFER, 4);
  RECORD(buffers, 4, Buffer, offset, ~uint64_t(0), LLMC_BAD_RANGE, LLMC_AT_BUFFER, 4);
  RECORD(buffers, 1, Buffer, offset, 64, LLMC_BAD_RANGE, LLMC_AT_BUFFER, 1);
  RECORD(buffers, 4, Buffer, size, 0, LLMC_BAD_VALUE, LLMC_AT_BUFFER, 4);
  RECORD(buffers, 4, Buffer, size, ~uint64_t(0), LLMC_BAD_RANGE, LLMC_AT_BUFFER, 4);
  RECORD(buffers, 5, Buffer, size, 383, LLMC_BAD_RANGE, LLMC_AT_REGION, 2);
  RECORD(buffers, 4, Buffer, size, 255, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 3);
  RECORD(buffers, 4, Buffer, name, 99, LLMC_BAD_INDEX, LLMC_AT_BUFFER, 4);
  RECORD(buffers, 4, Buffer, region, 4, LLMC_BAD_INDEX, LLMC_AT_BUFFER, 4);
  RECORD(buffers, 3, Buffer, region, 3, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 6);
  RECORD(buffers, 1, Buffer, segment, 3, LLMC_BAD_INDEX, LLMC_AT_BUFFER, 1);
  RECORD(buffers, 1, Buffer, segment, rt::none16, LLMC_MISSING, LLMC_AT_BUFFER, 1);
  RECORD(buffers, 1, Buffer, segment, 0, LLMC_BAD_RANGE, LLMC_AT_BUFFER, 1);
}

void operandMutations(Mutations &m, const Subject &subject) {
  RECORD(operands, 3, Operand, offset, 63, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, offset, 65, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, offset, ~uint64_t(0), LLMC_BAD_RANGE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 2, Operand, offset, 1, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 2);
  RECORD(operands, 1, Operand, extent, 0, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 1);
  RECORD(operands, 1, Operand, extent, ~uint64_t(0), LLMC_BAD_RANGE, LLMC_AT_OPERAND, 1);
  RECORD(operands, 2, Operand, extent, tileRows * rowBytes + 1, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 2);
  RECORD(operands, 5, Operand, extent, 112, LLMC_BAD_RANGE, LLMC_AT_STEP, 7);
  RECORD(operands, 4, Operand, extent, 380, LLMC_BAD_RANGE, LLMC_AT_TENSOR, 4 * 256);
  RECORD(operands, 7, Operand, extent, 12, LLMC_BAD_RANGE, LLMC_AT_TENSOR, 1 * 256);
  RECORD(operands, 3, Operand, buffer, 7, LLMC_BAD_INDEX, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, buffer, 3, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, region, 1, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, access, 0, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, access, 4, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, access, LLMC_READ, LLMC_BAD_VALUE, LLMC_AT_STEP, 1);
  RECORD(operands, 0, Operand, access, LLMC_READ | LLMC_WRITE, LLMC_BAD_VALUE, LLMC_AT_STEP, 1);
  RECORD(operands, 2, Operand, access, LLMC_WRITE, LLMC_BAD_VALUE, LLMC_AT_STEP, 7);
  RECORD(operands, 3, Operand, flags, 0, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 1, Operand, flags, 1, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 1);
  RECORD(operands, 3, Operand, flags, 3, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  const rt::Operand *operands = subject.plan.operands().data;
  auto array = [&](const char *name, const auto &element, uint64_t value, rt::Code code,
                   uint32_t index) {
    Mutation mutation = {
        name, subject.offsetOf(&element), sizeof(element), value, code, LLMC_AT_OPERAND, index};
    m.add(mutation);
  };
  array("Operand.stride", operands[1].stride[0], layerBytes + 1, LLMC_BAD_RANGE, 1);
  array("Operand.stride", operands[2].stride[1], tileRows * rowBytes + 1, LLMC_BAD_RANGE, 2);
  array("Operand.stride", operands[2].stride[1], none, LLMC_BAD_RANGE, 2);
  array("Operand.stride", operands[2].stride[2], 1, LLMC_BAD_INDEX, 2);
  for (const uint8_t &reserved : operands[3].reserved)
    array("Operand.reserved", reserved, 1, LLMC_BAD_VALUE, 3);
  array("Operand.param", operands[1].param[0], 10, LLMC_BAD_INDEX, 1);
  array("Operand.param", operands[1].param[0], rt::none8, LLMC_BAD_INDEX, 1);
  array("Operand.param", operands[1].param[0], pPos, LLMC_BAD_RANGE, 1);
  array("Operand.param", operands[1].param[2], pPos, LLMC_BAD_VALUE, 1);
}

/// Fields for which no value is wrong: figures, hashes, the device's own numbers.
const std::set<std::string> freeFields = {"Kernel.estCycles", "Kernel.stackBytes", "Queue.index",
                                          "State.headStride", "State.layoutHash"};

const char *const structFields[] = {"Segment.offset",
                                    "Segment.size",
                                    "Segment.regionOffset",
                                    "Segment.digest",
                                    "Segment.name",
                                    "Segment.key",
                                    "Segment.region",
                                    "Segment.flags",
                                    "Segment.kind",
                                    "Segment.alignLog2",
                                    "Segment.codec",
                                    "Segment.chunkLog2",
                                    "Segment.reserved",
                                    "Region.size",
                                    "Region.name",
                                    "Region.alignLog2",
                                    "Region.kind",
                                    "Region.lifetime",
                                    "Region.access",
                                    "Buffer.offset",
                                    "Buffer.size",
                                    "Buffer.name",
                                    "Buffer.region",
                                    "Buffer.segment",
                                    "Operand.offset",
                                    "Operand.extent",
                                    "Operand.stride",
                                    "Operand.buffer",
                                    "Operand.region",
                                    "Operand.access",
                                    "Operand.param",
                                    "Operand.flags",
                                    "Operand.reserved",
                                    "Param.max",
                                    "Param.imm",
                                    "Param.kind",
                                    "Param.a",
                                    "Param.b",
                                    "Param.reserved",
                                    "Kernel.offset",
                                    "Kernel.size",
                                    "Kernel.entry",
                                    "Kernel.estCycles",
                                    "Kernel.stackBytes",
                                    "Kernel.name",
                                    "Kernel.segment",
                                    "Kernel.target",
                                    "Kernel.abi",
                                    "Kernel.nArgs",
                                    "Kernel.reserved",
                                    "Queue.target",
                                    "Queue.index",
                                    "Dma.rowBytes",
                                    "Dma.rows",
                                    "Dma.srcPitch",
                                    "Dma.dstPitch",
                                    "Dma.rowsParam",
                                    "Dma.reserved0",
                                    "Dma.reserved1",
                                    "Step.op",
                                    "Step.queue",
                                    "Step.flags",
                                    "Step.a",
                                    "Step.b",
                                    "Step.c",
                                    "State.maxTokens",
                                    "State.window",
                                    "State.tokenStride",
                                    "State.headStride",
                                    "State.layerStride",
                                    "State.layoutHash",
                                    "State.buffer",
                                    "State.layers",
                                    "State.heads",
                                    "State.headDim",
                                    "State.pageTokens",
                                    "State.scaleState",
                                    "State.kind",
                                    "State.role",
                                    "State.dtype",
                                    "State.reserved"};

} // namespace

TEST_CASE("every wrong field is refused at its place") {
  Subject subject;
  Mutations m(subject);
  regionMutations(m, subject);
  segmentMutations(m, subject);
  bufferMutations(m, subject);
  operandMutations(m, subject);
  paramMutations(m, subject);
  kernelMutations(m, subject);
  stateMutations(m, subject);
  stepMutations(m, subject);
  tableMutations(m, subject);
  m.runAll();
  std::set<std::string> named = m.names();
  for (const char *field : structFields) {
    INFO(field);
    CHECK((named.count(field) == 1) != (freeFields.count(field) == 1));
  }
}
