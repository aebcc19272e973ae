// Hostile plans: every field of every record set to something wrong is refused at its place; whatever is accepted stays
// inside its regions.
#include "catch2/catch.hpp"

#include <algorithm>
#include <random>
#include <set>

#include "plan_fixture.h"
#include "runtime/plan/explain.h"
#include "runtime/schema/plan_generated.h"

using namespace llmc;
using namespace llmc::test;
namespace fb = llmc::plan::fb;
using rt::Plan;
using rt::Status;

namespace {

/// The plan of the tests, as bytes that can be changed, with both readers on them.
class Subject {
public:
  explicit Subject(const PlanDescription &d = languageModel()) : file(Memory::of(planBytes(d))) {
    source = rt::memorySource(file.data(), file.size());
    REQUIRE(open(&plan).ok());
    root = fb::GetPlan(plan.planBytes().data);
  }
  Status open(Plan *out) const { return Plan::open(source, {}, out); }
  Status reopen() const {
    Plan scratch;
    return open(&scratch);
  }
  size_t offsetOf(const void *address) const {
    return size_t(static_cast<const uint8_t *>(address) - file.data());
  }

  Memory file;
  llmc_source source = {};
  Plan plan;
  const fb::Plan *root = nullptr;
};

/// One field set to one wrong value, and what open must say.
struct Mutation {
  std::string field; // "Struct.field", or "Table.field"
  size_t at;
  size_t size;
  uint64_t value;
  rt::Code code;
  rt::Where where;
  uint32_t detail;
};

class Mutations {
public:
  explicit Mutations(const Subject &subject) : subject(subject) {}

  template <class Record, class Field>
  void record(const char *name, rt::Span<const Record> records, uint32_t index, Field Record::*field,
              uint64_t value, rt::Code code, rt::Where where, uint32_t detail) {
    list.push_back({name, subject.offsetOf(&(records[index].*field)), sizeof(Field), value, code, where, detail});
  }
  /// A scalar of a table, which the writer stored because it differs from its default.
  void field(const char *name, const flatbuffers::Table *table, unsigned vt, size_t size, uint64_t value,
             rt::Code code, rt::Where where, uint32_t detail) {
    const uint8_t *address = table->GetAddressOf(flatbuffers::voffset_t(vt));
    INFO(name);
    REQUIRE(address);
    list.push_back({name, subject.offsetOf(address), size, value, code, where, detail});
  }
  void add(Mutation mutation) { list.push_back(std::move(mutation)); }
  void runAll() const {
    for (const Mutation &m : list) {
      uint8_t saved[8];
      std::memcpy(saved, subject.file.data() + m.at, m.size);
      std::memcpy(subject.file.data() + m.at, &m.value, m.size);
      Status status = subject.reopen();
      std::memcpy(subject.file.data() + m.at, saved, m.size);
      INFO(m.field << " = " << m.value << " gives " << rt::explain(status) << ", wanted "
                   << rt::explain(Status(m.code, m.where, m.detail)));
      CHECK(status == Status(m.code, m.where, m.detail));
    }
    CHECK(subject.reopen().ok());
  }
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const Mutation &m : list)
      all.insert(m.field);
    return all;
  }

private:
  const Subject &subject;
  std::vector<Mutation> list;
};

#define RECORD(vector, index, Struct, member, value, code, where, detail)                          \
  m.record(#Struct "." #member, subject.plan.vector(), index, &rt::Struct::member, value, code, where, detail)

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
  RECORD(segments, 1, Segment, offset, subject.plan.segments()[1].offset + 32, LLMC_BAD_ALIGNMENT, LLMC_AT_SEGMENT, 1);
  RECORD(segments, 1, Segment, offset, subject.plan.segments()[0].offset, LLMC_OVERLAP, LLMC_AT_SEGMENT, 1);
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
  RECORD(buffers, 3, Buffer, region, 3, LLMC_BAD_INDEX, LLMC_AT_OPERAND, 6);
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
  RECORD(operands, 3, Operand, region, 1, LLMC_BAD_INDEX, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, access, 0, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, access, 4, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, access, LLMC_READ, LLMC_BAD_VALUE, LLMC_AT_STEP, 1);
  RECORD(operands, 0, Operand, access, LLMC_READ | LLMC_WRITE, LLMC_BAD_VALUE, LLMC_AT_STEP, 1);
  RECORD(operands, 2, Operand, access, LLMC_WRITE, LLMC_BAD_VALUE, LLMC_AT_STEP, 7);
  RECORD(operands, 3, Operand, flags, 0, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 1, Operand, flags, 1, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 1);
  RECORD(operands, 3, Operand, flags, 3, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  RECORD(operands, 3, Operand, reserved, 1, LLMC_BAD_VALUE, LLMC_AT_OPERAND, 3);
  const rt::Operand *operands = subject.plan.operands().data;
  auto array = [&](const char *name, const auto &element, uint64_t value, rt::Code code, uint32_t index) {
    Mutation mutation = {name, subject.offsetOf(&element), sizeof(element), value, code, LLMC_AT_OPERAND, index};
    m.add(mutation);
  };
  array("Operand.stride", operands[1].stride[0], layerBytes + 1, LLMC_BAD_RANGE, 1);
  array("Operand.stride", operands[2].stride[1], tileRows * rowBytes + 1, LLMC_BAD_RANGE, 2);
  array("Operand.stride", operands[2].stride[1], none, LLMC_BAD_RANGE, 2);
  array("Operand.stride", operands[2].stride[2], 1, LLMC_BAD_INDEX, 2);
  array("Operand.param", operands[1].param[0], 10, LLMC_BAD_INDEX, 1);
  array("Operand.param", operands[1].param[0], rt::none8, LLMC_BAD_INDEX, 1);
  array("Operand.param", operands[1].param[0], pPos, LLMC_BAD_RANGE, 1);
  array("Operand.param", operands[1].param[2], pPos, LLMC_BAD_VALUE, 1);
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

/// Steps of prefill16: 0 mark, 1 gather, 2 clean, 3 loop, 4 writeKv, 5 clearSums, 6 loop, 7 dma, 8 addTile, 9 end,
/// 10 wait, 11 finishLayer, 12 end, 13 yield, 14 barrier, 15 commit, 16 invalidate, 17 end.
void stepMutations(Mutations &m, const Subject &subject) {
  auto bad = [&](uint32_t at, auto member, const char *name, uint64_t value, rt::Code code) {
    m.record(name, subject.plan.steps(), at, member, value, code, LLMC_AT_STEP, at);
  };
  using S = rt::Step;
  bad(0, &S::op, "Step.op", 15, LLMC_BAD_VALUE);
  bad(0, &S::op, "Step.op", 0, LLMC_BAD_NESTING); // End too early
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
  auto bad = [&](const fb::Entry *e, const char *name, unsigned vt, size_t size, uint64_t value, rt::Code code,
                 uint32_t index) { m.field(name, table(e), vt, size, value, code, LLMC_AT_ENTRY, index); };
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
  m.field("Entry.vocab", table(entry), fb::Entry::VT_VOCAB, 4, 0, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 256);
  m.field("Entry.vocab", table(entry), fb::Entry::VT_VOCAB, 4, 0x80000000u, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 256);
  m.field("Entry.vocab", table(head), fb::Entry::VT_VOCAB, 4, 23, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 768);
  auto value = [&](const char *name, const void *at, size_t size, uint64_t v, rt::Code code, rt::Where where,
                   uint32_t detail) { m.add({name, subject.offsetOf(at), size, v, code, where, detail}); };
  value("Entry.peak_bytes", entry->peak_bytes()->Data(), 8, 513, LLMC_BAD_RANGE, LLMC_AT_ENTRY, 1);
  value("Entry.peak_bytes", entry->peak_bytes()->Data() - 4, 4, 3, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 1);
  value("Entry.states", entry->states()->Data(), 2, 1, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 1);
  const fb::TensorDesc *ids = entry->inputs()->Get(0);
  m.field("TensorDesc.role", table(ids), fb::TensorDesc::VT_ROLE, 1, 4, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 256);
  m.field("TensorDesc.role", table(ids), fb::TensorDesc::VT_ROLE, 1, 3, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 256);
  m.field("TensorDesc.dtype", table(ids), fb::TensorDesc::VT_DTYPE, 1, 8, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 256);
  m.field("TensorDesc.dtype", table(ids), fb::TensorDesc::VT_DTYPE, 1, 3, LLMC_BAD_RANGE, LLMC_AT_TENSOR, 256);
  m.field("TensorDesc.operand", table(ids), fb::TensorDesc::VT_OPERAND, 4, 13, LLMC_BAD_INDEX, LLMC_AT_TENSOR, 256);
  m.field("TensorDesc.operand", table(ids), fb::TensorDesc::VT_OPERAND, 4, 1, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 256);
  value("TensorDesc.dims", ids->dims()->Data(), 4, 5, LLMC_BAD_RANGE, LLMC_AT_TENSOR, 256);
  value("TensorDesc.dims", ids->dims()->Data(), 4, 0, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 256);
  m.field("Plan.required_features", table(subject.root), fb::Plan::VT_REQUIRED_FEATURES, 8, 0x100 | 0x6F,
          LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN, rt::fb::plan::requiredFeatures);
  m.field("Plan.required_features", table(subject.root), fb::Plan::VT_REQUIRED_FEATURES, 8, 0,
          LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN, rt::fb::plan::requiredFeatures);
  m.field("Plan.digest_segment", table(subject.root), fb::Plan::VT_DIGEST_SEGMENT, 2, 3, LLMC_BAD_INDEX,
          LLMC_AT_PLAN, rt::fb::plan::digestSegment);
  value("Plan.args", subject.root->args()->Data(), 2, 13, LLMC_BAD_INDEX, LLMC_AT_STEP, 1);
}

/// Fields for which no value is wrong: figures, hashes, the device's own numbers.
const std::set<std::string> freeFields = {"Kernel.estCycles", "Kernel.stackBytes", "Queue.index",
                                          "State.headStride", "State.layoutHash"};

const char *const structFields[] = {
    "Segment.offset", "Segment.size", "Segment.regionOffset", "Segment.digest", "Segment.name", "Segment.key",
    "Segment.region", "Segment.flags", "Segment.kind", "Segment.alignLog2", "Segment.codec", "Segment.chunkLog2",
    "Segment.reserved", "Region.size", "Region.name", "Region.alignLog2", "Region.kind", "Region.lifetime",
    "Region.access", "Buffer.offset", "Buffer.size", "Buffer.name", "Buffer.region", "Buffer.segment",
    "Operand.offset", "Operand.extent", "Operand.stride", "Operand.buffer", "Operand.region", "Operand.access",
    "Operand.param", "Operand.flags", "Operand.reserved", "Param.max", "Param.imm", "Param.kind", "Param.a",
    "Param.b", "Param.reserved", "Kernel.offset", "Kernel.size", "Kernel.entry", "Kernel.estCycles",
    "Kernel.stackBytes", "Kernel.name", "Kernel.segment", "Kernel.target", "Kernel.abi", "Kernel.nArgs",
    "Kernel.reserved", "Queue.target", "Queue.index", "Dma.rowBytes", "Dma.rows", "Dma.srcPitch", "Dma.dstPitch",
    "Dma.rowsParam", "Dma.reserved0", "Dma.reserved1", "Step.op", "Step.queue", "Step.flags", "Step.a", "Step.b",
    "Step.c", "State.maxTokens", "State.window", "State.tokenStride", "State.headStride", "State.layerStride",
    "State.layoutHash", "State.buffer", "State.layers", "State.heads", "State.headDim", "State.pageTokens",
    "State.scaleState", "State.kind", "State.role", "State.dtype", "State.reserved"};

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

TEST_CASE("whole plans that cannot be") {
  PlanDescription d = languageModel();
  auto refused = [&] {
    std::vector<uint8_t> bytes;
    return writePlan(d, bytes).error;
  };
  REQUIRE(refused() == "");
  SECTION("loops within loops beyond the depth") {
    d.entries.resize(1);
    d.steps.clear();
    d.params.resize(10);
    for (uint32_t i = 0; i < 5; ++i)
      d.params.push_back({0, 0, rt::ParamKind::Loop, rt::none8, rt::none8, 0});
    for (uint32_t i = 0; i < 5; ++i)
      d.steps.push_back({rt::StepOp::LoopBegin, 0, 0, 10 + i, 1, 9 - i});
    for (uint32_t i = 0; i < 5; ++i)
      d.steps.push_back({rt::StepOp::LoopEnd, 0, 0, 4 - i, 0, 0});
    d.steps.push_back({});
    d.entries[0].nSteps = 11;
    CHECK(refused().find("step 4: loops cross") != std::string::npos);
  }
  SECTION("more steps executed than anybody waits for") {
    d.entries.resize(1);
    d.steps.clear();
    for (uint32_t i = 0; i < 2; ++i)
      d.params.push_back({none - 1, 0, rt::ParamKind::Loop, rt::none8, rt::none8, 0});
    d.steps = {{rt::StepOp::LoopBegin, 0, 0, 10, 1u << 16, 4}, {rt::StepOp::LoopBegin, 0, 0, 11, 1u << 16, 3},
               {rt::StepOp::Yield, 0, 0, 0, 0, 0},             {rt::StepOp::LoopEnd, 0, 0, 1, 0, 0},
               {rt::StepOp::LoopEnd, 0, 0, 0, 0, 0},           {}};
    d.entries[0].nSteps = 6;
    CHECK(refused().find("step 2: an offset, size or address") != std::string::npos);
  }
  SECTION("a loop over a parameter that an outer loop uses") {
    d.steps[6].a = pLayer;
    d.params[pLayer].max = 10;
    d.operands[1].stride[0] = d.operands[2].stride[0] = 0;
    CHECK(refused().find("step 6: loops cross") != std::string::npos);
  }
  SECTION("steps that no entry owns") {
    d.steps.push_back({});
    CHECK(refused().find("step 62") != std::string::npos);
  }
  SECTION("too few parameters") {
    d.params.resize(2);
    CHECK(refused().find("parameter 2: a required part is missing") != std::string::npos);
  }
  SECTION("nothing at all") {
    d = PlanDescription();
    CHECK(refused().find("plan, field targets: a required part is missing") != std::string::npos);
  }
  SECTION("a tokenizer without its segment") {
    d.tokenizer = TokenizerDescription();
    d.tokenizer->segment = 1;
    CHECK(refused().find("tokenizer description") != std::string::npos);
  }
  SECTION("a debug segment that is none") {
    d.debugSegment = 1;
    CHECK(refused().find("plan, field debug_segment") != std::string::npos);
  }
}

namespace {

/// Binds and runs everything an accepted plan offers, on memory of exactly its sizes; the device touches both ends of
/// every operand, so that the sanitizer sees an address that leaves its region.
void exercise(const Plan &plan) {
  uint64_t total = 0;
  for (const rt::Region &region : plan.regions())
    total += region.size;
  if (total > (16u << 20))
    return;
  std::vector<Memory> memories;
  std::vector<llmc_memory> views;
  for (const rt::Region &region : plan.regions()) {
    memories.emplace_back(size_t(region.size), size_t(1) << std::max<int>(region.alignLog2, 3));
    views.push_back(memories.back().view());
  }
  ScriptedDevice device;
  std::vector<const llmc_device *> devices(plan.nTargets(), &device.table);
  llmc_platform platform = {};
  platform.struct_size = sizeof(platform);
  platform.abi = LLMC_PLATFORM_ABI;
  platform.host_call = [](void *, uint32_t, const llmc_operand_view *, uint32_t, const uint32_t *, uint32_t)
      -> llmc_status { return Status(); };
  rt::Bindings bindings;
  bindings.memories = {views.data(), views.size()};
  bindings.devices = {devices.data(), devices.size()};
  bindings.platform = &platform;
  rt::Session session;
  if (!session.bind(plan, bindings).ok())
    return;
  for (uint32_t i = 0; i < plan.nEntries(); ++i) {
    rt::EntryView entry = plan.entry(i);
    std::vector<int32_t> ids(std::min<uint32_t>(entry.chunk(), 4096), 0);
    rt::Call call;
    call.entry = i;
    call.row = entry.rowMax();
    call.ids = {ids.data(), ids.size()};
    Status status = session.begin(call);
    if (status.where == LLMC_AT_TOKEN) {
      call.ids = {};
      call.nTokens = entry.chunk();
      status = session.begin(call);
    }
    for (uint32_t polls = 0; polls < 100 && (polls == 0 ? status.ok() : status.pending()); ++polls)
      status = session.poll();
    if (!session.idle() && !session.reset().ok())
      return;
  }
}

} // namespace

TEST_CASE("random damage never crashes, and what is accepted stays inside") {
  Subject subject;
  const rt::FileHeader header = subject.plan.header();
  std::vector<uint8_t> good(subject.file.data(), subject.file.data() + subject.file.size());
  std::mt19937 random(1);
  uint32_t accepted = 0, structural = 0;
  for (int round = 0; round < 20000; ++round) {
    uint32_t flips = 1 + random() % 3;
    for (uint32_t i = 0; i < flips; ++i) {
      size_t at = random() % (header.planOffset + header.planSize);
      switch (random() % 4) {
      case 0: subject.file.data()[at] ^= uint8_t(1u << (random() % 8)); break;
      case 1: subject.file.data()[at] = uint8_t(random()); break;
      case 2: subject.file.data()[at] = 0xFF; break;
      default: subject.file.data()[at] += uint8_t(random() % 3 - 1); break;
      }
    }
    Plan plan;
    if (subject.open(&plan).ok()) {
      ++accepted;
      exercise(plan);
    }
    // What the own verifier accepts as structure, the library accepts as well.
    rt::Span<const uint8_t> part(subject.file.data() + header.planOffset, size_t(header.planSize));
    if (rt::fb::verifyBuffer(part, rt::fb::planSchema).ok()) {
      ++structural;
      flatbuffers::Verifier verifier(part.data, part.size, 64, UINT32_MAX);
      REQUIRE(fb::VerifyPlanBuffer(verifier));
    }
    std::copy(good.begin(), good.end(), subject.file.data());
  }
  INFO(accepted << " accepted, " << structural << " sound");
  CHECK(accepted > 1000);
  CHECK(structural > accepted);
}
