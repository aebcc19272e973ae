// Single changes: a field of a record, a record more or less, a step of another kind.
#include <cstring>

#include "runtime/base/span.h"
#include "test/fuzz/plan_mutator.h"

namespace llmc::fuzz {
namespace {

struct Field {
  void *at;
  size_t size;
};
using Fields = std::vector<Field>;

template <class... T> Fields fieldsOf(T &...fields) { return {Field{&fields, sizeof(fields)}...}; }
Fields fields(rt::Region &r) {
  return fieldsOf(r.size, r.name, r.reserved, r.alignLog2, r.kind, r.lifetime, r.access);
}
Fields fields(rt::Move &m) {
  return fieldsOf(m.offset, m.extent, m.stride[0], m.stride[1], m.stride[2], m.param[0], m.param[1],
                  m.param[2], m.reserved);
}
Fields fields(rt::Operand &o) { return fieldsOf(o.offset, o.extent, o.region, o.access, o.move); }
Fields fields(uint16_t &argument) { return fieldsOf(argument); }
Fields fields(rt::Param &p) { return fieldsOf(p.max, p.imm, p.kind, p.a, p.b, p.reserved); }
Fields fields(rt::Blob &b) { return fieldsOf(b.offset, b.size, b.segment, b.target); }
Fields fields(rt::Kernel &k) { return fieldsOf(k.entry, k.stack, k.blob, k.nArgs); }
Fields fields(rt::Queue &q) { return fieldsOf(q.target, q.index); }
Fields fields(rt::Rows &r) {
  return fieldsOf(r.bytes, r.count, r.srcPitch, r.dstPitch, r.countParam, r.reserved0, r.reserved1);
}
Fields fields(rt::Step &s) { return fieldsOf(s.op, s.queue, s.a, s.b); }
Fields fields(rt::State &s) {
  return fieldsOf(s.offset, s.maxTokens, s.window, s.tokenStride, s.headStride, s.layerStride,
                  s.layoutHash, s.region, s.layers, s.heads, s.headDim, s.scaleState, s.kind,
                  s.role, s.dtype, s.reserved0, s.reserved1);
}
Fields fields(SegmentDescription &s) {
  return fieldsOf(s.kind, s.region, s.regionOffset, s.alignLog2, s.chunkLog2);
}
Fields fields(EntryDescription &e) {
  return fieldsOf(e.kind, e.chunk, e.posMax, e.firstStep, e.nSteps, e.firstState, e.nStates,
                  e.targetMask, e.rowParam, e.rowMax, e.vocab);
}
Fields fields(TensorDescription &t) { return fieldsOf(t.role, t.dtype, t.operand); }

/// The next value of a field: near the old one, at an edge, or anything.
uint64_t nextValue(uint64_t value, size_t size, Random &random) {
  switch (random.below(8)) {
  case 0:
    return value + 1;
  case 1:
    return value - 1;
  case 2:
    return value + random.below(64);
  case 3:
    return value * 2;
  case 4:
    return value / 2;
  case 5:
    return random.below(20);
  case 6:
    return uint64_t(1) << random.below(8 * size);
  default:
    return random.oneIn(2) ? ~uint64_t(0) : random.next();
  }
}

void changeField(Field field, Random &random) {
  uint64_t value = 0;
  std::memcpy(&value, field.at, field.size);
  value = nextValue(value, field.size, random);
  std::memcpy(field.at, &value, field.size);
}

/// One field of one record, or the same field taken from another record.
template <class Record> void changeRecord(std::vector<Record> &records, Random &random) {
  if (records.empty())
    return;
  Fields to = fields(records[random.below(records.size())]);
  Fields from = fields(records[random.below(records.size())]);
  uint32_t which = random.below(to.size());
  if (random.oneIn(3))
    std::memmove(to[which].at, from[which].at, to[which].size);
  else
    changeField(to[which], random);
}

/// One record more, a copy, or one less.
template <class Record> void changeCount(std::vector<Record> &records, Random &random) {
  if (records.empty())
    return;
  size_t at = random.below(records.size());
  if (random.oneIn(3))
    records.erase(records.begin() + long(at));
  else
    records.insert(records.begin() + random.below(records.size() + 1), Record(records[at]));
}

template <class Record> void changeList(std::vector<Record> &records, Random &random) {
  random.oneIn(4) ? changeCount(records, random) : changeRecord(records, random);
}

/// A step more or less, or moved, inside one entry.
void changeSteps(PlanDescription &plan, Random &random) {
  if (plan.entries.empty() || plan.steps.empty())
    return;
  size_t at = random.below(plan.steps.size());
  EntryDescription *owner = nullptr;
  for (EntryDescription &entry : plan.entries)
    if (at >= entry.firstStep && at - entry.firstStep < entry.nSteps &&
        rt::fits(entry.firstStep, entry.nSteps, plan.steps.size()))
      owner = &entry;
  if (!owner)
    return;
  if (random.oneIn(3)) {
    plan.steps.erase(plan.steps.begin() + long(at));
    --owner->nSteps;
  } else if (random.oneIn(2)) {
    rt::Step copy = plan.steps[random.below(plan.steps.size())];
    if (random.oneIn(2))
      copy = {rt::StepOp(1 + random.below(15)), uint8_t(random.below(2)), uint16_t(random.below(8)),
              random.below(64)};
    plan.steps.insert(plan.steps.begin() + long(at), copy);
    ++owner->nSteps;
  } else {
    std::swap(plan.steps[at], plan.steps[owner->firstStep + random.below(owner->nSteps)]);
  }
}

/// A round around some steps of an entry.
void addLoop(PlanDescription &plan, Random &random) {
  if (plan.entries.empty() || plan.params.empty())
    return;
  EntryDescription &entry = plan.entries[random.below(plan.entries.size())];
  if (entry.nSteps < 2 || uint64_t(entry.firstStep) + entry.nSteps > plan.steps.size())
    return;
  uint32_t from = random.below(entry.nSteps - 1), to = from + random.below(entry.nSteps - from);
  auto first = plan.steps.begin() + entry.firstStep;
  plan.steps.insert(first + to, {rt::StepOp::LoopEnd, 0, 0, 0});
  first = plan.steps.begin() + entry.firstStep;
  const auto op = random.oneIn(2) ? rt::StepOp::LoopBegin : rt::StepOp::LoopParam;
  plan.steps.insert(first + from, {op, uint8_t(random.below(plan.params.size())),
                                   uint16_t(1 + random.below(4)), 0});
  entry.nSteps += 2;
}

void changeTensor(PlanDescription &plan, Random &random) {
  if (plan.entries.empty())
    return;
  EntryDescription &entry = plan.entries[random.below(plan.entries.size())];
  auto &tensors = random.oneIn(2) ? entry.inputs : entry.outputs;
  if (tensors.empty())
    return;
  TensorDescription &tensor = tensors[random.below(tensors.size())];
  if (random.oneIn(3))
    changeCount(tensors, random);
  else if (random.oneIn(3) && !tensor.dims.empty())
    tensor.dims[random.below(tensor.dims.size())] = random.below(40);
  else
    changeRecord(tensors, random);
}

void changeOnce(PlanDescription &plan, Random &random) {
  switch (random.below(20)) {
  case 0:
    return changeList(plan.regions, random);
  case 1:
    return changeList(plan.segments, random);
  case 2:
    return changeList(plan.blobs, random);
  case 3:
    return changeList(plan.moves, random);
  case 4:
  case 5:
  case 6:
    return changeList(plan.operands, random);
  case 7:
    return changeList(plan.args, random);
  case 8:
  case 9:
    return changeList(plan.params, random);
  case 10:
    return changeList(plan.kernels, random);
  case 11:
    return changeList(plan.queues, random);
  case 12:
    return changeList(plan.rows, random);
  case 13:
    return changeList(plan.states, random);
  case 14:
    return changeRecord(plan.entries, random);
  case 15:
    return changeTensor(plan, random);
  case 16:
    return addLoop(plan, random);
  case 17:
    return changeSteps(plan, random);
  default:
    return changeRecord(plan.steps, random);
  }
}

/// Bytes of the finished file, of the width that fields have: what no description can say.
void damage(std::vector<uint8_t> &file, Random &random) {
  rt::FileHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  static constexpr size_t widths[] = {1, 2, 4, 8};
  size_t width = widths[random.below(4)], end = size_t(header.planOffset + header.planSize);
  size_t at = random.below(end / width) * width;
  if (random.oneIn(4)) // the header is small, and would hardly be met
    at = random.below(sizeof(header) / width) * width;
  changeField({file.data() + at, width}, random);
}

} // namespace

std::vector<uint8_t> mutatePlan(std::span<const uint8_t> bytes, uint64_t seed) {
  Random random(seed);
  std::optional<PlanDescription> plan = takeApart(bytes);
  if (!plan)
    return {};
  for (uint32_t n = 1 + random.below(3); n > 0; --n)
    changeOnce(*plan, random);
  mendPlan(*plan, random);
  if (random.oneIn(4)) // and this one stays
    changeOnce(*plan, random);
  std::vector<uint8_t> file = putTogether(*plan);
  if (!file.empty() && random.oneIn(4))
    damage(file, random);
  return file;
}

} // namespace llmc::fuzz
