#include "test/fuzz/seed_plans.h"

#include <numeric>

#include "runtime/base/device.h"
#include "test/unit/runtime/plan_fixture.h"

namespace llmc::fuzz {

using namespace rt;
using test::moving;
using test::operand;

namespace {

constexpr uint8_t everyAccess = cpuReads | cpuWrites | deviceReads | deviceWrites;
constexpr uint8_t both = LLMC_READ | LLMC_WRITE;

SegmentDescription segment(SegmentKind kind, const char *name, uint16_t region, uint64_t offset,
                           size_t size) {
  SegmentDescription s;
  s.kind = kind;
  s.name = name;
  s.region = region;
  s.regionOffset = offset;
  std::vector<uint8_t> bytes(size);
  std::iota(bytes.begin(), bytes.end(), uint8_t(offset));
  s.source = segmentFromBytes(bytes);
  return s;
}

EntryDescription entry(const char *name, EntryKind kind, uint32_t chunk, PlanDescription &d,
                       std::vector<Step> steps) {
  EntryDescription e;
  e.name = name;
  e.kind = kind;
  e.chunk = chunk;
  e.firstStep = uint32_t(d.steps.size());
  e.nSteps = uint32_t(steps.size());
  d.steps.insert(d.steps.end(), steps.begin(), steps.end());
  for (const Region &region : d.regions)
    e.peakBytes.push_back(region.size);
  return e;
}

/// Pages of flash brought into two slots by turns while the earlier one is used.
PlanDescription pagedPlan() {
  PlanDescription d;
  d.targets.push_back({"scripted", "test", "", 1, 0, {}});
  d.regions = {{4096, d.intern("pages"), 6, RegionKind::FlashPaged, Lifetime::Constant, cpuReads},
               {2048 + 64, none32, 6, RegionKind::Sram, Lifetime::Scratch, everyAccess}};
  SegmentDescription first = segment(SegmentKind::Weights, "w", 0, 0, 2048);
  SegmentDescription second = segment(SegmentKind::Table, "t", 0, 2048, 2048);
  first.chunkLog2 = second.chunkLog2 = 10;
  d.segments = {first, second};
  d.buffers = {{0, 2048, none32, 0, 0}, {2048, 2048, none32, 0, 1}, {0, 2112, none32, 1, none16}};
  d.operands = {moving(operand(0, 0, 0, 1024, LLMC_READ), 3, 1024),
                moving(operand(2, 1, 0, 1024, both), 4, 1024),
                moving(operand(2, 1, 2048, 4, LLMC_WRITE), 3, 4),
                operand(1, 0, 2048, 1024, LLMC_READ)};
  d.args = {1, 2};
  d.params = {{0, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::KvLen, none8, none8, 0},
              {1, 0, ParamKind::Loop, none8, none8, 0},
              {1, 2, ParamKind::Mod, 3, none8, 0}};
  d.entries = {entry("main", EntryKind::Generic, 1, d,
                     {{StepOp::LoopBegin, 0, 0, 3, 2, 4},
                      {StepOp::Prefetch, 0, 0, 0, 1, 1024},
                      {StepOp::Wait, sourceQueue, 0, 0, 0, 0},
                      {StepOp::HostCall, 0, 0, 77, 0, 2},
                      {StepOp::LoopEnd, 0, 0, 0, 0, 0},
                      {StepOp::End, 0, 0, 0, 0, 0}})};
  return d;
}

/// Regions of most kinds, and segments of every kind.
void everyMemory(PlanDescription &d) {
  d.targets = {{"scripted", "test", "", 1, 0, Sha256{1}}, {"other", "test", "big", 2, 3, {}}};
  d.regions = {
      {192, d.intern("code"), 6, RegionKind::FlashXip, Lifetime::Constant, cpuReads | deviceReads},
      {4096, none32, 6, RegionKind::Dram, Lifetime::Session, everyAccess | cpuCached},
      {1024, none32, 4, RegionKind::Tcm, Lifetime::Call, everyAccess},
      {512, none32, 3, RegionKind::HostShared, Lifetime::Scratch, everyAccess}};
  d.segments = {segment(SegmentKind::Kernel, "kernels", 0, 0, 128),
                segment(SegmentKind::Table, "table", 0, 128, 64),
                segment(SegmentKind::StateInit, "init", 1, 64, 64),
                segment(SegmentKind::Tokenizer, "tokenizer", none16, 0, 8),
                segment(SegmentKind::Golden, "golden", none16, 0, 16),
                segment(SegmentKind::Debug, "debug", none16, 0, 24),
                segment(SegmentKind::Other, "other", none16, 0, 3)};
  d.debugSegment = 5;
  d.tokenizer = TokenizerDescription{"bpe", 3, true, "{{ text }}"};
  d.buffers = {
      {0, 128, none32, 0, 0}, {128, 64, none32, 0, 1},      {0, 4096, d.intern("kv"), 1, none16},
      {64, 64, none32, 1, 2}, {0, 1024, none32, 2, none16}, {0, 512, none32, 3, none16}};
}

/// Every kind of parameter, and operands that move by three, one and none.
void everyOperand(PlanDescription &d) {
  d.params = {{31, 0, ParamKind::Input, none8, none8, 0}, {8, 0, ParamKind::Input, none8, none8, 0},
              {32, 0, ParamKind::KvLen, none8, none8, 0}, {3, 2, ParamKind::Input, none8, none8, 0},
              {3, 0, ParamKind::Loop, none8, none8, 0},   {2, 0, ParamKind::Loop, none8, none8, 0},
              {1, 0, ParamKind::Loop, none8, none8, 0},   {1, 0, ParamKind::Loop, none8, none8, 0},
              {40, 1, ParamKind::Add, 2, 3, 0},           {32, 4, ParamKind::Sub, 2, 1, 0},
              {9, 3, ParamKind::Mul, 4, none8, 0},        {16, 2, ParamKind::Shl, 4, none8, 0},
              {4, 3, ParamKind::Shr, 2, none8, 0},        {7, 8, ParamKind::Mod, 0, none8, 0},
              {8, 4, ParamKind::CeilDiv, 2, none8, 0},    {8, 8, ParamKind::Min, 2, none8, 0}};
  d.operands = {operand(1, 0, 128, 64, LLMC_READ),
                moving(moving(moving(operand(2, 1, 0, 64, both), 4, 512), 5, 64), 13, 32),
                operand(4, 2, 0, 32, both),
                operand(4, 2, 64, 128, both),
                moving(operand(5, 3, 0, 16, both), 9, 8),
                operand(4, 2, 512, 160, both),
                operand(3, 1, 64, 64, both)};
}

/// Kernels and queues of two targets, states that are not flat.
void everyUnit(PlanDescription &d) {
  d.kernels = {{0, 64, 4, 10, 16, d.intern("first"), 0, 0, 1, 3, 0},
               {64, 64, 0, 10, 16, none32, 0, 1, 2, 1, 0}};
  d.queues = {{0, 1}, {1, 0}};
  d.dmas = {{8, 8, 16, 8, 15, 0, 0}, {32, 1, 0, 0, none8, 0, 0}};
  d.args = {0, 1, 3, 4, 0, 2, 3, 6, 5};
  State kv = {
      32,         16, 16, 512, 1024, 7, 2, 2, 2, 4, 0, 1, StateKind::KvRing, StateRole::Value,
      DType::F32, 0};
  State scales = {
      32,         0, 2, 64, 128, 8, 2, 2, 2, 1, 0, none16, StateKind::Raw, StateRole::ValueScale,
      DType::F16, 0};
  State paged = {
      32,        0, 8, 256, 512, 9, 2, 1, 1, 4, 8, none16, StateKind::KvPaged, StateRole::Key,
      DType::I4, 0};
  d.states = {kv, scales, paged};
}

/// Every operation, in loops four deep.
void everyStep(PlanDescription &d) {
  EntryDescription body = entry("body", EntryKind::Prefill, 8, d,
                                {{StepOp::Gather, 0, 0, 4, 16, 4},
                                 {StepOp::LoopBegin, 0, 0, 4, 4, 13},
                                 {StepOp::LoopBegin, 0, 0, 5, 3, 12},
                                 {StepOp::LoopBegin, 0, 0, 6, 2, 11},
                                 {StepOp::LoopBegin, 0, 0, 7, 2, 10},
                                 {StepOp::Dispatch, 0, 0, 0, 0, 3},
                                 {StepOp::Dispatch, 1, 0, 1, 3, 1},
                                 {StepOp::Dma, 0, 0, 3, 5, 0},
                                 {StepOp::Dma, 1, 0, 2, 5, 1},
                                 {StepOp::Wait, 1, 0, 1, 0, 0},
                                 {StepOp::LoopEnd, 0, 0, 4, 0, 0},
                                 {StepOp::LoopEnd, 0, 0, 3, 0, 0},
                                 {StepOp::LoopEnd, 0, 0, 2, 0, 0},
                                 {StepOp::LoopEnd, 0, 0, 1, 0, 0},
                                 {StepOp::HostCall, 0, 0, 5, 7, 2},
                                 {StepOp::CacheClean, 0, 0, 6, 0, 0},
                                 {StepOp::CacheInvalidate, 1, 0, 1, 0, 0},
                                 {StepOp::Yield, 0, 0, 0, 0, 0},
                                 {StepOp::Barrier, 0, 0, 0, 0, 0},
                                 {StepOp::KvCommit, 0, 0, 0, 0, 0},
                                 {StepOp::KvCommit, 0, 0, 2, 0, 0},
                                 {StepOp::Mark, 0, 0, 9, 0, 0},
                                 {StepOp::End, 0, 0, 0, 0, 0}});
  body.posMax = 24;
  body.vocab = 4;
  body.targetMask = 3;
  body.states = {0, 2};
  body.inputs = {{"ids", TensorRole::Ids, DType::I32, {8}, 2, 0, 0}};
  body.outputs = {{"rows", TensorRole::Hidden, DType::I16, {8, 8}, 3, 0.5f, 3}};
  body.variant = "big";
  d.entries.push_back(body);
}

/// A head whose loop runs as often as the caller says.
void headOfRows(PlanDescription &d) {
  EntryDescription head = entry("head", EntryKind::Head, 4, d,
                                {{StepOp::LoopBegin, 0, loopCountIsParam, 4, 3, 3},
                                 {StepOp::Dispatch, 1, 0, 1, 3, 1},
                                 {StepOp::Wait, 1, 0, 0, 0, 0},
                                 {StepOp::LoopEnd, 0, 0, 23, 0, 0},
                                 {StepOp::End, 0, 0, 0, 0, 0}});
  for (Step &step : d.steps) // ends are named by their place among all steps
    if (&step - d.steps.data() == 23)
      step.c = 26;
  head.targetMask = 2;
  head.rowParam = 3;
  head.rowMax = 3;
  head.vocab = 10;
  head.outputs = {{"logits", TensorRole::Logits, DType::F32, {4, 10}, 5, 0, 0}};
  d.entries.push_back(head);
}

/// Every kind of parameter, state, segment and step, on two targets.
PlanDescription everythingPlan() {
  PlanDescription d;
  everyMemory(d);
  everyOperand(d);
  everyUnit(d);
  everyStep(d);
  headOfRows(d);
  d.metadata = {{"license", "none"}, {"", ""}};
  return d;
}

/// A gather whose rows share bytes with their table, which once was copied as if they did not.
PlanDescription overlappingPlan() {
  PlanDescription d = everythingPlan();
  d.operands.push_back(operand(4, 2, 520, 128, LLMC_WRITE));
  d.args[4] = 5;
  d.args[6] = uint16_t(d.operands.size() - 1);
  return d;
}

/// One step that does nothing: the least that a plan can be.
PlanDescription smallestPlan() {
  PlanDescription d;
  d.targets.push_back({"b", "d", "", 0, 0, {}});
  d.regions = {{1, none32, 0, RegionKind::Sram, Lifetime::Call, everyAccess}};
  d.segments = {segment(SegmentKind::Other, "", none16, 0, 1)};
  d.buffers = {{0, 1, none32, 0, none16}};
  d.operands = {operand(0, 0, 0, 1, LLMC_READ)};
  d.params = {{0, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::KvLen, none8, none8, 0}};
  d.entries = {entry("e", EntryKind::Generic, 1, d, {{StepOp::End, 0, 0, 0, 0, 0}})};
  return d;
}

} // namespace

std::vector<std::pair<std::string, PlanDescription>> seedPlans() {
  return {{"language-model", test::languageModel()}, {"paged", pagedPlan()},
          {"pages-and-rows", test::pagesAndRows()},  {"everything", everythingPlan()},
          {"overlapping", overlappingPlan()},        {"smallest", smallestPlan()}};
}

} // namespace llmc::fuzz
