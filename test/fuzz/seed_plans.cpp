#include "test/fuzz/seed_plans.h"

#include <numeric>

#include "runtime/base/device.h"
#include "test/unit/runtime/plan_fixture.h"

namespace llmc::fuzz {

using namespace rt;

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
  return e;
}

/// Pages of flash brought into two slots by turns while the earlier one is used.
PlanDescription pagedPlan() {
  PlanDescription d;
  d.targets.push_back({"scripted", "test", "", 1, 0, {}});
  d.regions = {
      {4096, d.intern("pages"), 0, 6, RegionKind::FlashPaged, Lifetime::Constant, cpuReads},
      {2048 + 64, none16, 0, 6, RegionKind::Sram, Lifetime::Scratch, everyAccess}};
  SegmentDescription first = segment(SegmentKind::Weights, "w", 0, 0, 2048);
  SegmentDescription second = segment(SegmentKind::Table, "t", 0, 2048, 2048);
  first.chunkLog2 = second.chunkLog2 = 10;
  d.segments = {first, second};
  const Stride page = {3, 1024}, slot = {4, 1024}, word = {3, 4};
  d.operands = {d.operand(0, 0, 1024, LLMC_READ, {&page, 1}),
                d.operand(1, 0, 1024, both, {&slot, 1}),
                d.operand(1, 2048, 4, LLMC_WRITE, {&word, 1}), d.operand(0, 2048, 1024, LLMC_READ)};
  d.args = {0, 1, 2};
  d.params = {{0, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::KvLen, none8, none8, 0},
              {1, 0, ParamKind::Loop, none8, none8, 0},
              {1, 2, ParamKind::Mod, 3, none8, 0}};
  d.entries = {entry("main", EntryKind::Generic, 1, d,
                     {{StepOp::LoopBegin, 3, 2, 4},
                      {StepOp::Prefetch, 0, 0, 0},
                      {StepOp::Wait, sourceQueue, 0, 0},
                      {StepOp::HostCall, 2, 77, 1},
                      {StepOp::LoopEnd, 0, 0, 0},
                      {StepOp::End, 0, 0, 0}})};
  return d;
}

/// Regions of most kinds, and segments of every kind.
void everyMemory(PlanDescription &d) {
  d.targets = {{"scripted", "test", "", 1, 0, Sha256{1}}, {"other", "test", "big", 2, 3, {}}};
  d.regions = {{192, d.intern("code"), 0, 6, RegionKind::FlashXip, Lifetime::Constant,
                cpuReads | deviceReads},
               {4096, none16, 0, 6, RegionKind::Dram, Lifetime::Session, everyAccess | cpuCached},
               {1024, none16, 0, 4, RegionKind::Tcm, Lifetime::Call, everyAccess},
               {512, none16, 0, 3, RegionKind::HostShared, Lifetime::Scratch, everyAccess}};
  d.segments = {segment(SegmentKind::Kernel, "kernels", 0, 0, 128),
                segment(SegmentKind::Table, "table", 0, 128, 64),
                segment(SegmentKind::Tokenizer, "tokenizer", none16, 0, 8),
                segment(SegmentKind::Golden, "golden", none16, 0, 16),
                segment(SegmentKind::Debug, "debug", none16, 0, 24),
                segment(SegmentKind::Other, "other", none16, 0, 3)};
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
  const Stride three[] = {{4, 512}, {5, 64}, {13, 32}}, one = {9, 8};
  d.operands = {d.operand(0, 128, 64, LLMC_READ),
                d.operand(1, 0, 64, both, three),
                d.operand(2, 0, 32, both),
                d.operand(2, 64, 128, both),
                d.operand(3, 0, 16, both, {&one, 1}),
                d.operand(2, 512, 160, both),
                d.operand(1, 64, 64, both)};
}

/// Kernels and queues of two targets, states with and without scales.
void everyUnit(PlanDescription &d) {
  d.blobs = {{0, 64, 0, 0}, {64, 64, 0, 1}};
  d.kernels = {{4, 10, 1, 0, 3}, {0, 10, 1, 1, 1}};
  d.queues = {{0, 1}, {1, 0}};
  d.rows = {{8, 8, 16, 8, 15, 0, 0}, {32, 1, 0, 0, none8, 0, 0}, {16, 4, 16, 16, none8, 0, 0}};
  d.args = {0, 1, 3, 4, 0, 2, 3, 6, 5, 3, 5, 2, 5};
  State kv = {
      0,          32, 16, 16, 512, 1024, 7, 1, 2, 2, 4, 1, StateKind::KvFlat, StateRole::Value,
      DType::F32, 0,  0};
  State scales = {8,
                  32,
                  0,
                  2,
                  64,
                  128,
                  8,
                  1,
                  2,
                  2,
                  1,
                  none16,
                  StateKind::KvFlat,
                  StateRole::ValueScale,
                  DType::F16,
                  0,
                  0};
  State narrow = {
      0,         32, 0, 8, 256, 512, 9, 1, 1, 1, 4, none16, StateKind::KvFlat, StateRole::Key,
      DType::I4, 0,  0};
  d.states = {kv, scales, narrow};
}

/// Every operation, in loops four deep.
void everyStep(PlanDescription &d) {
  EntryDescription body = entry("body", EntryKind::Prefill, 8, d,
                                {{StepOp::Gather, 0, 2, 4},
                                 {StepOp::LoopBegin, 4, 4, 13},
                                 {StepOp::LoopBegin, 5, 3, 12},
                                 {StepOp::LoopBegin, 6, 2, 11},
                                 {StepOp::LoopBegin, 7, 2, 10},
                                 {StepOp::Dispatch, 0, 0, 0},
                                 {StepOp::Dispatch, 1, 1, 3},
                                 {StepOp::Dma, 0, 0, 9},
                                 {StepOp::Dma, 1, 1, 11},
                                 {StepOp::Wait, 1, 1, 0},
                                 {StepOp::LoopEnd, 0, 0, 4},
                                 {StepOp::LoopEnd, 0, 0, 3},
                                 {StepOp::LoopEnd, 0, 0, 2},
                                 {StepOp::LoopEnd, 0, 0, 1},
                                 {StepOp::HostCall, 2, 5, 7},
                                 {StepOp::CacheClean, 0, 0, 7},
                                 {StepOp::CacheInvalidate, 1, 0, 1},
                                 {StepOp::Yield, 0, 0, 0},
                                 {StepOp::Barrier, 0, 0, 0},
                                 {StepOp::KvCommit, 0, 0, 0},
                                 {StepOp::KvCommit, 0, 2, 0},
                                 {StepOp::Mark, 0, 9, 0},
                                 {StepOp::End, 0, 0, 0}});
  body.posMax = 24;
  body.vocab = 4;
  body.targetMask = 3;
  body.nStates = 3;
  body.inputs = {{"ids", TensorRole::Ids, DType::I32, {8}, 2}};
  body.outputs = {{"rows", TensorRole::Hidden, DType::I16, {8, 8}, 3}};
  body.variant = "big";
  d.entries.push_back(body);
}

/// A head whose loop runs as often as the caller says.
void headOfRows(PlanDescription &d) {
  EntryDescription head = entry("head", EntryKind::Head, 4, d,
                                {{StepOp::LoopParam, 4, 3, 26},
                                 {StepOp::Dispatch, 1, 1, 3},
                                 {StepOp::Wait, 1, 0, 0},
                                 {StepOp::LoopEnd, 0, 0, 23},
                                 {StepOp::End, 0, 0, 0}});
  head.targetMask = 2;
  head.rowParam = 3;
  head.rowMax = 3;
  head.vocab = 10;
  head.outputs = {{"logits", TensorRole::Logits, DType::F32, {4, 10}, 5}};
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
  d.model = ModelDescription();
  d.model->name = "everything";
  return d;
}

/// A gather whose rows share bytes with their table, which once was copied as if they did not.
PlanDescription overlappingPlan() {
  PlanDescription d = everythingPlan();
  d.operands.push_back(d.operand(2, 520, 128, LLMC_WRITE));
  d.args[4] = 5;
  d.args[6] = uint16_t(d.operands.size() - 1);
  return d;
}

/// One step that does nothing: the least that a plan can be.
PlanDescription smallestPlan() {
  PlanDescription d;
  d.targets.push_back({"b", "d", "", 0, 0, {}});
  d.regions = {{1, none16, 0, 0, RegionKind::Sram, Lifetime::Call, everyAccess}};
  d.segments = {segment(SegmentKind::Other, "", none16, 0, 1)};
  d.operands = {d.operand(0, 0, 1, LLMC_READ)};
  d.params = {{0, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::Input, none8, none8, 0},
              {1, 0, ParamKind::KvLen, none8, none8, 0}};
  d.entries = {entry("e", EntryKind::Generic, 1, d, {{StepOp::End, 0, 0, 0}})};
  return d;
}

} // namespace

std::vector<std::pair<std::string, PlanDescription>> seedPlans() {
  return {{"language-model", test::languageModel()}, {"paged", pagedPlan()},
          {"pages-and-rows", test::pagesAndRows()},  {"everything", everythingPlan()},
          {"overlapping", overlappingPlan()},        {"smallest", smallestPlan()}};
}

} // namespace llmc::fuzz
