#include "runtime/plan/verifier.h"

#include "runtime/base/small.h"

namespace llmc::rt {
LLMC_SMALL_BEGIN

/// One field of a record and what it may hold. `what` is a check, plus 16 times the logarithm of
/// the field's bytes.
struct Rule {
  uint8_t field;
  uint8_t what;
  uint8_t bound;
};

namespace {

enum Check : uint8_t {
  atMost,        // bound
  notZero,       //
  index,         // into the vector `bound` of the plan
  optionalIndex, // the same, or none
  unused,        // 0: another value is a feature to come
  anything       // of 64 bits: what an address of this machine can be, as all checks see to
};

constexpr uint8_t widthLog2(size_t bytes) {
  return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
}
#define LLMC_RULE(record, field, check, bound)                                                     \
  Rule { offsetof(record, field), uint8_t(check | widthLog2(sizeof(record::field)) << 4), bound }
constexpr uint8_t most(RegionKind kind) { return uint8_t(kind); }
constexpr uint8_t maxAlignLog2 = 16;

// The rules of all records, in the order of the vectors.
constexpr Rule rules[] = {
    // Target
    LLMC_RULE(Target, backend, index, fb::plan::text),
    LLMC_RULE(Target, device, index, fb::plan::text),
    LLMC_RULE(Target, variant, optionalIndex, fb::plan::text),
    LLMC_RULE(Target, reserved, unused, 0),
    // Region
    LLMC_RULE(Region, size, notZero, 0),
    LLMC_RULE(Region, name, optionalIndex, fb::plan::text),
    LLMC_RULE(Region, reserved, unused, 0),
    LLMC_RULE(Region, alignLog2, atMost, maxAlignLog2),
    LLMC_RULE(Region, kind, atMost, most(RegionKind::HostShared)),
    LLMC_RULE(Region, lifetime, atMost, uint8_t(Lifetime::Scratch)),
    LLMC_RULE(Region, access, atMost, anyAccess | cpuCached),
    // Segment
    LLMC_RULE(Segment, size, notZero, 0),
    LLMC_RULE(Segment, offset, anything, 0),
    LLMC_RULE(Segment, regionOffset, anything, 0),
    LLMC_RULE(Segment, alignLog2, atMost, maxAlignLog2),
    LLMC_RULE(Segment, kind, atMost, uint8_t(SegmentKind::Other)),
    LLMC_RULE(Segment, flags, unused, 0),
    LLMC_RULE(Segment, reserved, unused, 0),
    LLMC_RULE(Segment, codec, unused, 0),
    LLMC_RULE(Segment, name, optionalIndex, fb::plan::text),
    LLMC_RULE(Segment, region, optionalIndex, fb::plan::regions),
    // Param
    LLMC_RULE(Param, kind, atMost, uint8_t(ParamKind::Min)),
    LLMC_RULE(Param, reserved, unused, 0),
    // Move
    LLMC_RULE(Move, reserved, unused, 0),
    // Blob
    LLMC_RULE(Blob, segment, index, fb::plan::segments),
    LLMC_RULE(Blob, target, index, fb::plan::targets),
    // Kernel
    LLMC_RULE(Kernel, blob, index, fb::plan::blobs),
    LLMC_RULE(Kernel, nArgs, atMost, maxArgs),
    // Queue
    LLMC_RULE(Queue, target, index, fb::plan::targets),
    // Rows
    LLMC_RULE(Rows, bytes, notZero, 0),
    LLMC_RULE(Rows, count, notZero, 0),
    LLMC_RULE(Rows, reserved0, unused, 0),
    LLMC_RULE(Rows, reserved1, unused, 0),
    LLMC_RULE(Rows, countParam, optionalIndex, fb::plan::params),
    // State
    LLMC_RULE(State, region, index, fb::plan::regions),
    LLMC_RULE(State, scaleState, optionalIndex, fb::plan::states),
    LLMC_RULE(State, kind, unused, 0),
    LLMC_RULE(State, role, atMost, uint8_t(StateRole::ValueScale)),
    LLMC_RULE(State, dtype, atMost, uint8_t(DType::U4)),
    LLMC_RULE(State, reserved0, unused, 0),
    LLMC_RULE(State, reserved1, unused, 0),
    LLMC_RULE(State, layers, notZero, 0),
    LLMC_RULE(State, heads, notZero, 0),
    LLMC_RULE(State, headDim, notZero, 0),
    // Tensor
    LLMC_RULE(Tensor, name, index, fb::plan::text),
    LLMC_RULE(Tensor, operand, index, fb::plan::operands),
    LLMC_RULE(Tensor, role, atMost, uint8_t(TensorRole::Logits)),
    LLMC_RULE(Tensor, dtype, atMost, uint8_t(DType::U4)),
    LLMC_RULE(Tensor, reserved, unused, 0),
    // Entry
    LLMC_RULE(Entry, name, index, fb::plan::text),
    LLMC_RULE(Entry, variant, optionalIndex, fb::plan::text),
    LLMC_RULE(Entry, kind, atMost, uint8_t(EntryKind::Embed)),
    LLMC_RULE(Entry, chunk, notZero, 0),
    LLMC_RULE(Entry, nSteps, notZero, 0),
    LLMC_RULE(Entry, rowParam, optionalIndex, fb::plan::params),
    LLMC_RULE(Entry, reserved, unused, 0),
    // Model
    LLMC_RULE(Model, name, optionalIndex, fb::plan::text),
    LLMC_RULE(Model, architecture, optionalIndex, fb::plan::text),
    LLMC_RULE(Model, quantization, optionalIndex, fb::plan::text),
};

/// One vector of records, in the order of the plan's fields from targets on.
struct RecordSpec {
  uint8_t size;
  uint8_t where; // PLAN: reported by the field's number
  uint8_t nRules;
};
constexpr RecordSpec specs[] = {
    {sizeof(Target), LLMC_AT_TARGET, 4},
    {sizeof(Region), LLMC_AT_REGION, 7},
    {sizeof(Segment), LLMC_AT_SEGMENT, 10},
    {sizeof(Param), LLMC_AT_PARAM, 2},
    {sizeof(Move), LLMC_AT_MOVE, 1},
    {sizeof(Operand), LLMC_AT_OPERAND, 0},
    {0, LLMC_AT_PLAN, 0}, /* args: seen where they are used */
    {sizeof(Blob), LLMC_AT_BLOB, 2},
    {sizeof(Kernel), LLMC_AT_KERNEL, 2},
    {sizeof(Queue), LLMC_AT_PLAN, 1},
    {sizeof(Rows), LLMC_AT_ROWS, 5},
    {0, LLMC_AT_PLAN, 0}, /* steps: with their entries */
    {sizeof(State), LLMC_AT_STATE, 10},
    {0, LLMC_AT_PLAN, 0}, /* numbers: anything */
    {sizeof(Tensor), LLMC_AT_TENSOR, 5},
    {sizeof(Entry), LLMC_AT_ENTRY, 7},
    {0, LLMC_AT_PLAN, 0}, /* text */
    {sizeof(Model), LLMC_AT_MODEL, 3},
};
constexpr unsigned nRules() {
  unsigned n = 0;
  for (const RecordSpec &spec : specs)
    n += spec.nRules;
  return n;
}
static_assert(fb::plan::model - fb::plan::targets + 1 == sizeof(specs) / sizeof(RecordSpec));
static_assert(nRules() == sizeof(rules) / sizeof(Rule));

} // namespace

Code PlanVerifier::checkRecords() {
  const Rule *rule = rules;
  unsigned id = fb::plan::targets;
  for (const RecordSpec &spec : specs) {
    const fb::Field &field = plan.fields[id];
    const uint8_t *record = field.data;
    uint32_t n = id == fb::plan::model ? record != nullptr : field.value;
    for (uint32_t i = 0; spec.size && i < n; ++i, record += spec.size) {
      fail(LLMC_OK, Where(spec.where), spec.where == LLMC_AT_PLAN ? id : i);
      Code code = checkFields(record, rule, spec.nRules);
      if (code == LLMC_OK)
        code = checkRecord(id, record, i);
      if (code != LLMC_OK)
        return code;
    }
    rule += spec.nRules;
    if (id == fb::plan::segments)
      if (Code code = checkConstantRegions(); code != LLMC_OK)
        return code;
    ++id;
  }
  return LLMC_OK;
}

Code PlanVerifier::checkFields(const uint8_t *record, const Rule *rule, unsigned n) const {
  for (; n; --n, ++rule) {
    const uint8_t *p = record + rule->field;
    unsigned width = rule->what >> 4;
    size_t value = *p;
    uint32_t none = none8, bound = rule->bound;
    if (width == 1) {
      value = fb::load<uint16_t>(p);
      none = none16;
    } else if (width >= 2) {
      value = fb::load<uint32_t>(p);
      none = none32;
    }
    if (width == 3) {
      uint64_t wide = fb::load<uint64_t>(p);
      if (wide > SIZE_MAX)
        return LLMC_BAD_RANGE;
      value = size_t(wide);
    }
    switch (rule->what & 15) {
    case atMost:
      if (value > bound)
        return LLMC_BAD_VALUE;
      break;
    case notZero:
      if (value == 0)
        return LLMC_BAD_VALUE;
      break;
    case unused:
      if (value != 0)
        return LLMC_UNKNOWN_FEATURE;
      break;
    case anything:
      break;
    case optionalIndex:
      if (value == none)
        break;
      [[fallthrough]];
    default: // index
      if (value >= count(bound))
        return LLMC_BAD_INDEX;
    }
  }
  return LLMC_OK;
}

LLMC_SMALL_END
} // namespace llmc::rt
