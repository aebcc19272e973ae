// What the language model of the unit tests cannot show: pages, several targets, every kind of
// record; each with one thing wrong, refused at its place.
#include "test/unit/runtime/plan_mutations.h"

#include <utility>

#include "compiler/Emit/PlanWriter.h"
#include "test/fuzz/seed_plans.h"

using namespace llmc;
using namespace llmc::test;

namespace {

constexpr uint32_t none = rt::none32;

PlanDescription seedPlan(const std::string &name) {
  for (auto &[each, plan] : fuzz::seedPlans())
    if (each == name)
      return plan;
  FAIL("no such plan: " << name);
  return {};
}

/// What the writer says of a description with one thing changed.
template <class Change> std::string refusal(const std::string &name, Change change) {
  PlanDescription d = seedPlan(name);
  change(d);
  std::vector<uint8_t> bytes;
  return writePlan(d, bytes).error;
}

void contains(const std::string &text, const std::string &part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
}

uint32_t wordAt(const uint8_t *at) {
  uint32_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

/// Where a table's vtable has the offset of field `vt`.
const uint8_t *slotOf(const void *table, unsigned vt) {
  const auto *at = static_cast<const uint8_t *>(table);
  int32_t distance = 0;
  std::memcpy(&distance, at, sizeof(distance));
  return at - distance + vt;
}

const uint8_t *addressOf(const void *table, unsigned vt) {
  return static_cast<const flatbuffers::Table *>(table)->GetAddressOf(flatbuffers::voffset_t(vt));
}

} // namespace

TEST_CASE("wrong pages and prefetches are refused at their place") {
  Subject subject(seedPlan("paged"));
  Mutations m(subject);
  const uint64_t second = subject.plan.segments()[1].offset;
  auto arg = [&](uint32_t at, uint16_t value, rt::Code code, uint32_t step) {
    m.add({"args", subject.offsetOf(&subject.plan.args()[at]), 2, value, code, LLMC_AT_STEP, step});
  };
  RECORD(segments, 1, Segment, offset, second + 64, LLMC_BAD_RANGE, LLMC_AT_SEGMENT, 1);
  arg(0, 4, LLMC_BAD_INDEX, 1);
  arg(0, 1, LLMC_BAD_VALUE, 1); // no pages
  arg(1, 0, LLMC_BAD_VALUE, 1); // into pages
  arg(2, 0, LLMC_BAD_VALUE, 3); // pages for the host
  RECORD(operands, 0, Operand, extent, 1025, LLMC_BAD_RANGE, LLMC_AT_STEP, 1);
  RECORD(operands, 0, Operand, access, LLMC_WRITE, LLMC_BAD_VALUE, LLMC_AT_STEP, 1);
  RECORD(operands, 1, Operand, extent, 512, LLMC_BAD_RANGE, LLMC_AT_STEP, 1);
  RECORD(steps, 3, Step, b, 2, LLMC_BAD_INDEX, LLMC_AT_STEP, 3);
  RECORD(segments, 1, Segment, digest, 3, LLMC_BAD_INDEX, LLMC_AT_SEGMENT, 1);
  REQUIRE(subject.plan.segments()[0].offset < 2048);
  RECORD(segments, 0, Segment, regionOffset, 2048, LLMC_BAD_RANGE, LLMC_AT_SEGMENT, 0);
  m.runAll();
}

TEST_CASE("wrong fields of a plan with everything are refused at their place") {
  Subject subject(seedPlan("everything"));
  Mutations m(subject);
  const auto nArgs = uint32_t(subject.plan.args().size);
  RECORD(regions, 0, Region, kind, 1, LLMC_BAD_VALUE, LLMC_AT_BLOB, 0);
  RECORD(regions, 3, Region, access, 0x2F, LLMC_BAD_VALUE, LLMC_AT_REGION, 3);
  RECORD(regions, 2, Region, access, 0x0D, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 0);
  RECORD(steps, 6, Step, queue, 0, LLMC_BAD_VALUE, LLMC_AT_STEP, 6);
  RECORD(steps, 5, Step, b, nArgs - 1, LLMC_BAD_INDEX, LLMC_AT_STEP, 5);
  // Behind the arguments stands padding, which would pass as operand 0.
  RECORD(steps, 6, Step, b, nArgs, LLMC_BAD_INDEX, LLMC_AT_STEP, 6);
  RECORD(steps, 14, Step, b, nArgs - 1, LLMC_BAD_INDEX, LLMC_AT_STEP, 14);
  RECORD(steps, 14, Step, queue, 33, LLMC_BAD_INDEX, LLMC_AT_STEP, 14);
  RECORD(steps, 20, Step, a, 3, LLMC_BAD_INDEX, LLMC_AT_STEP, 20);
  RECORD(entries, 0, Entry, firstState, 1, LLMC_BAD_INDEX, LLMC_AT_ENTRY, 0);
  RECORD(entries, 0, Entry, targetMask, 7, LLMC_BAD_VALUE, LLMC_AT_ENTRY, 0);
  RECORD(moves, 0, Move, offset, 4096, LLMC_BAD_RANGE, LLMC_AT_OPERAND, 1);
  RECORD(tensors, 0, Tensor, dtype, 0, LLMC_BAD_VALUE, LLMC_AT_TENSOR, 0);
  for (uint8_t op : {16, 17, 32, 255})
    RECORD(steps, 17, Step, op, op, LLMC_BAD_VALUE, LLMC_AT_STEP, 17);
  m.runAll();
}

TEST_CASE("malformed tables of a plan with everything are refused at their place") {
  Subject subject(seedPlan("everything"));
  Mutations m(subject);
  const auto value = [&](const char *name, const void *at, size_t size, uint64_t v, rt::Code code,
                         rt::Where where, uint32_t detail) {
    m.add({name, subject.offsetOf(at), size, v, code, where, detail});
  };
  value("destination", subject.plan.args().data + 6, 2, 2, LLMC_BAD_RANGE, LLMC_AT_STEP, 0);
  value("features", addressOf(subject.root, fb::Plan::VT_REQUIRED_FEATURES), 8,
        subject.root->required_features() | 0x100, LLMC_UNKNOWN_FEATURE, LLMC_AT_PLAN,
        rt::fb::plan::requiredFeatures);
  value("digest_root", slotOf(subject.root, fb::Plan::VT_DIGEST_ROOT), 2, 0, LLMC_MISSING,
        LLMC_AT_PLAN, rt::fb::plan::digestRoot);
  value("vtable", slotOf(subject.root, 0), 2, 2, LLMC_BAD_STRUCTURE, LLMC_AT_PLAN, 0);
  value("odd vtable size", slotOf(subject.root, 0), 2, 47, LLMC_BAD_STRUCTURE, LLMC_AT_PLAN, 0);
  value("table size", slotOf(subject.root, 2), 2, 0xFFFE, LLMC_BAD_STRUCTURE, LLMC_AT_PLAN, 0);
  int32_t distance =
      int32_t(reinterpret_cast<const uint8_t *>(subject.root) - slotOf(subject.root, 0));
  value("odd vtable", subject.root, 4, uint32_t(distance + 1), LLMC_BAD_STRUCTURE, LLMC_AT_PLAN, 0);
  value("inner", slotOf(subject.root, fb::Plan::VT_TARGETS), 2, 2, LLMC_BAD_STRUCTURE, LLMC_AT_PLAN,
        rt::fb::plan::targets);
  value("odd inner", slotOf(subject.root, fb::Plan::VT_TARGETS), 2, 9, LLMC_BAD_STRUCTURE,
        LLMC_AT_PLAN, rt::fb::plan::targets);
  value("far inner", slotOf(subject.root, fb::Plan::VT_TARGETS), 2, 4000, LLMC_BAD_STRUCTURE,
        LLMC_AT_PLAN, rt::fb::plan::targets);
  // A root whose vtable is found, by a distance that wraps, though it is none itself.
  const uint8_t *flat = subject.plan.planBytes().data;
  value("root", flat, 4, 0u - uint32_t(slotOf(subject.root, 0) - flat), LLMC_BAD_STRUCTURE,
        LLMC_AT_PLAN, 0);
  m.runAll();
}

TEST_CASE("malformed vectors of a plan with everything are refused at their place") {
  Subject subject(seedPlan("everything"));
  Mutations m(subject);
  const auto value = [&](const char *name, const uint8_t *at, uint64_t v, rt::Code code,
                         uint32_t field) {
    m.add({name, subject.offsetOf(at), 4, v, code, LLMC_AT_PLAN, field});
  };
  const uint8_t *segments = addressOf(subject.root, fb::Plan::VT_SEGMENTS);
  value("misaligned vector", segments, wordAt(segments) + 4, LLMC_BAD_STRUCTURE,
        rt::fb::plan::segments);
  value("vector far away", segments, none, LLMC_BAD_STRUCTURE, rt::fb::plan::segments);
  // Where a vector of no elements would stand, but for its alignment.
  const uint8_t *flat = subject.plan.planBytes().data;
  const uint8_t *moves = addressOf(subject.root, fb::Plan::VT_MOVES), *zeros = moves + 4;
  while ((zeros - flat) % 8 != 0 || wordAt(zeros) != 0)
    zeros += 4;
  value("misaligned and empty", moves, uint64_t(zeros - moves), LLMC_BAD_STRUCTURE,
        rt::fb::plan::moves);
  const auto vectorOf = [&](unsigned vt) {
    const uint8_t *at = addressOf(subject.root, vt);
    return at + wordAt(at);
  };
  value("no targets", vectorOf(fb::Plan::VT_TARGETS), 0, LLMC_MISSING, rt::fb::plan::targets);
  value("operands beyond the end", vectorOf(fb::Plan::VT_OPERANDS), 60000, LLMC_BAD_STRUCTURE,
        rt::fb::plan::operands);
  value("a text without its zero", vectorOf(fb::Plan::VT_PRODUCER), 3, LLMC_BAD_STRUCTURE,
        rt::fb::plan::producer);
  m.runAll();
}

TEST_CASE("descriptions with one thing wrong are refused at their place") {
  using D = PlanDescription;
  contains(refusal("everything", [](D &d) { d.targets.resize(9, d.targets[0]); }),
           "plan, field targets: an offset, size or address");
  contains(refusal("everything", [](D &d) { d.regions[3].size = uint64_t(1) << 63; }),
           "region 3: an offset, size or address");
  contains(refusal("everything", [](D &d) { d.entries[0].outputs = d.entries[0].inputs; }),
           "tensor 1: a field holds a value");
  contains(refusal("everything", [](D &d) { d.entries[1].inputs = d.entries[1].outputs; }),
           "tensor 2: a field holds a value");
  contains(refusal("everything", [](D &d) { d.entries[0].outputs[0].dims = {~0u, ~0u, 1}; }),
           "tensor 1: a field holds a value");
  contains(refusal("everything", [](D &d) { d.steps[9] = {rt::StepOp::KvCommit, 0, 0, 0}; }),
           "step 9: loops cross");
  contains(refusal("everything",
                   [](D &d) {
                     d.args.resize(60, 0);
                     d.steps[14].queue = 33;
                     d.steps[14].b = 20;
                   }),
           "step 14: an index");
  contains(refusal("smallest",
                   [](D &d) { // arguments that are none, beyond the end of none
                     d.steps = {{rt::StepOp::HostCall, 0, 0, 66}, {rt::StepOp::End, 0, 0, 0}};
                     d.entries[0].nSteps = 2;
                   }),
           "step 0: an index");
}

TEST_CASE("a gather reads its table and ids, and ids are whole words that stand still") {
  using D = PlanDescription;
  for (uint16_t which : {0, 1})
    contains(refusal("everything",
                     [&](D &d) {
                       rt::Operand only = d.operands[which == 0 ? 5 : 2];
                       only.access = LLMC_WRITE;
                       d.operands.push_back(only);
                       d.args[4 + which] = uint16_t(d.operands.size() - 1);
                     }),
             "step 0: a field holds a value");
  for (bool moves : {false, true})
    contains(refusal("everything",
                     [&](D &d) {
                       rt::Operand odd = d.operands[2];
                       odd.extent = moves ? 32 : 30;
                       odd.move = moves ? 1 : rt::none8;
                       d.operands.push_back(odd);
                       d.args[5] = uint16_t(d.operands.size() - 1);
                     }),
             "step 0: a field holds a value");
}

TEST_CASE("loops name each other") {
  using D = PlanDescription;
  contains(refusal("everything",
                   [](D &d) { // to a step that ends no loop, though it has its number
                     d.steps[7].b = 1;
                     d.steps[1].b = 7;
                   }),
           "step 1: loops cross");
  contains(refusal("everything",
                   [](D &d) { // two ends for one begin
                     d.steps[9] = {rt::StepOp::LoopEnd, 0, 0, 4};
                   }),
           "step 9: loops cross");
  contains(refusal("everything",
                   [](D &d) { // crossed
                     d.steps[1].b = 12;
                     d.steps[2].b = 13;
                     d.steps[12].b = 1;
                     d.steps[13].b = 2;
                   }),
           "step 12: loops cross");
}

TEST_CASE("sources that cannot deliver are refused") {
  const std::vector<uint8_t> bytes = planBytes(seedPlan("smallest"));
  Memory file = Memory::of(bytes);
  llmc_source source = rt::memorySource(file.data(), file.size());
  rt::fb::Field fields[rt::fb::plan::count];
  Plan plan;
  REQUIRE(Plan::open(source, {}, &plan).ok());
  SECTION("no bytes") {
    source.size = 79;
    CHECK(Plan::open(source, {}, &plan) == Status(LLMC_TRUNCATED, LLMC_AT_HEADER));
  }
  SECTION("no way to read") {
    source.map = nullptr;
    source.read_async = nullptr;
    CHECK(Plan::open(source, {}, &plan) == Status(LLMC_INVALID_ARGUMENT, LLMC_AT_SOURCE));
  }
  SECTION("no way to read what cannot be mapped") {
    source.map = [](void *, uint64_t, size_t, const void **) -> llmc_status {
      return Status(LLMC_UNSUPPORTED, LLMC_AT_SOURCE);
    };
    auto poll = std::exchange(source.poll, nullptr);
    CHECK(Plan::open(source, {}, &plan) == Status(LLMC_UNSUPPORTED, LLMC_AT_SOURCE));
    source.poll = poll;
    source.read_async = nullptr;
    CHECK(Plan::open(source, {}, &plan) == Status(LLMC_UNSUPPORTED, LLMC_AT_SOURCE));
  }
  SECTION("a table of another version, or too short") {
    source.abi = 2;
    CHECK(Plan::open(source, {}, &plan) == Status(LLMC_UNSUPPORTED, LLMC_AT_SOURCE));
    source.abi = LLMC_SOURCE_ABI;
    source.struct_size = 8;
    CHECK(Plan::open(source, {}, &plan) == Status(LLMC_UNSUPPORTED, LLMC_AT_SOURCE));
  }
  SECTION("reads beyond the end") {
    uint8_t byte = 0;
    CHECK(rt::readSource(source, source.size, 1, &byte, nullptr) ==
          Status(LLMC_TRUNCATED, LLMC_AT_SOURCE));
  }
  SECTION("a FlatBuffer without room for its root") {
    CHECK(rt::fb::readPlan({plan.planBytes().data, 7}, fields) ==
          Status(LLMC_TRUNCATED, LLMC_AT_PLAN));
  }
  SECTION("a plan part beyond 2 GiB") {
    rt::FileHeader header = plan.header();
    header.fileSize = uint64_t(1) << 33;
    header.planSize = 0x80000000u;
    header.dataOffset = uint64_t(1) << 32;
    std::memcpy(file.data(), &header, sizeof(header));
    source.size = header.fileSize;
    CHECK(Plan::open(source, {}, &plan) ==
          Status(LLMC_BAD_RANGE, LLMC_AT_HEADER, offsetof(rt::FileHeader, planSize)));
  }
  SECTION("an odd address") {
    rt::Span<const uint8_t> part = plan.planBytes();
    Memory moved(part.size + 16);
    std::memcpy(moved.data() + 4, part.data, part.size);
    CHECK(rt::fb::readPlan({moved.data() + 4, part.size}, fields) ==
          Status(LLMC_BAD_ALIGNMENT, LLMC_AT_PLAN));
  }
}

TEST_CASE("regions that cannot be mapped or loaded are refused") {
  Subject subject(seedPlan("everything"));
  const Plan &plan = subject.plan;
  const void *base = nullptr;
  uint64_t offset = 0;
  Memory memory(8192);
  CHECK(plan.mapRegion(0, &base).ok());
  CHECK(plan.mapRegion(4, &base) == Status(LLMC_INVALID_ARGUMENT, LLMC_AT_REGION, 4));
  CHECK(plan.mapRegion(1, &base) == Status(LLMC_INVALID_ARGUMENT, LLMC_AT_REGION, 1));
  CHECK(plan.mapRegion(1 << 30, &base) == Status(LLMC_INVALID_ARGUMENT, LLMC_AT_REGION, 1 << 30));
  CHECK(plan.loadRegion(4, memory.view(), nullptr) ==
        Status(LLMC_INVALID_ARGUMENT, LLMC_AT_MEMORY, 4));
  CHECK(plan.loadRegion(0, {nullptr, 8192}, nullptr) ==
        Status(LLMC_INVALID_ARGUMENT, LLMC_AT_MEMORY, 0));
  CHECK(plan.loadRegion(0, {memory.data(), 191}, nullptr) ==
        Status(LLMC_TOO_SMALL, LLMC_AT_MEMORY, 0));
  CHECK(plan.regionFileOffset(2, &offset).code == LLMC_NOT_FOUND); // no segment stands there
  subject.source.size = 100;
  CHECK(plan.mapRegion(0, &base) == Status(LLMC_UNSUPPORTED, LLMC_AT_REGION, 0));
  subject.source.size = subject.file.size();
  subject.source.map = nullptr;
  CHECK(plan.mapRegion(0, &base) == Status(LLMC_UNSUPPORTED, LLMC_AT_REGION, 0));
}

TEST_CASE("regions that stand askew or in pieces cannot be mapped") {
  const std::vector<uint8_t> bytes = planBytes(seedPlan("everything"));
  Memory moved(bytes.size() + 32);
  std::memcpy(moved.data() + 32, bytes.data(), bytes.size());
  llmc_source source = rt::memorySource(moved.data() + 32, bytes.size());
  Plan plan;
  const void *base = nullptr;
  REQUIRE(Plan::open(source, {}, &plan).ok());
  CHECK(plan.mapRegion(0, &base) == Status(LLMC_BAD_ALIGNMENT, LLMC_AT_MEMORY, 0));
  PlanDescription d = seedPlan("everything");
  d.segments.insert(d.segments.begin() + 1, d.segments[5]);
  Subject pieces(d);
  uint64_t offset = 0;
  CHECK(pieces.plan.regionFileOffset(0, &offset).code == LLMC_NOT_FOUND);
}
