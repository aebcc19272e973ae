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
  unused,        // 0, or none where bound is 1: another value is a feature to come
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
    // Region
    LLMC_RULE(Region, size, notZero, 0),
    LLMC_RULE(Region, name, optionalIndex, fb::plan::strings),
    LLMC_RULE(Region, alignLog2, atMost, maxAlignLog2),
    LLMC_RULE(Region, kind, atMost, most(RegionKind::HostShared)),
    LLMC_RULE(Region, lifetime, atMost, uint8_t(Lifetime::Scratch)),
    LLMC_RULE(Region, access, atMost, anyAccess | cpuCached),
    // Segment
    LLMC_RULE(Segment, size, notZero, 0),
    LLMC_RULE(Segment, offset, anything, 0),
    LLMC_RULE(Segment, regionOffset, anything, 0),
    LLMC_RULE(Segment, reserved, atMost, 0),
    LLMC_RULE(Segment, alignLog2, atMost, maxAlignLog2),
    LLMC_RULE(Segment, flags, unused, 0),
    LLMC_RULE(Segment, codec, unused, 0),
    LLMC_RULE(Segment, key, unused, 1),
    LLMC_RULE(Segment, name, optionalIndex, fb::plan::strings),
    LLMC_RULE(Segment, region, optionalIndex, fb::plan::regions),
    // Buffer
    LLMC_RULE(Buffer, offset, anything, 0),
    LLMC_RULE(Buffer, size, notZero, 0),
    LLMC_RULE(Buffer, region, index, fb::plan::regions),
    LLMC_RULE(Buffer, segment, optionalIndex, fb::plan::segments),
    LLMC_RULE(Buffer, name, optionalIndex, fb::plan::strings),
    // Param
    LLMC_RULE(Param, kind, atMost, uint8_t(ParamKind::Min)),
    LLMC_RULE(Param, reserved, atMost, 0),
    // Kernel
    LLMC_RULE(Kernel, offset, anything, 0),
    LLMC_RULE(Kernel, segment, index, fb::plan::segments),
    LLMC_RULE(Kernel, target, index, fb::plan::targets),
    LLMC_RULE(Kernel, name, optionalIndex, fb::plan::strings),
    LLMC_RULE(Kernel, nArgs, atMost, maxArgs),
    LLMC_RULE(Kernel, reserved, atMost, 0),
    // Queue
    LLMC_RULE(Queue, target, index, fb::plan::targets),
    // Dma
    LLMC_RULE(Dma, rowBytes, notZero, 0),
    LLMC_RULE(Dma, rows, notZero, 0),
    LLMC_RULE(Dma, reserved0, atMost, 0),
    LLMC_RULE(Dma, reserved1, atMost, 0),
    LLMC_RULE(Dma, rowsParam, optionalIndex, fb::plan::params),
    // State
    LLMC_RULE(State, buffer, index, fb::plan::buffers),
    LLMC_RULE(State, scaleState, optionalIndex, fb::plan::states),
    LLMC_RULE(State, kind, atMost, uint8_t(StateKind::Raw)),
    LLMC_RULE(State, role, atMost, uint8_t(StateRole::ValueScale)),
    LLMC_RULE(State, dtype, atMost, uint8_t(DType::U4)),
    LLMC_RULE(State, reserved, atMost, 0),
    LLMC_RULE(State, maxTokens, notZero, 0),
    LLMC_RULE(State, layers, notZero, 0),
    LLMC_RULE(State, heads, notZero, 0),
    LLMC_RULE(State, headDim, notZero, 0),
};

/// One vector of records, in the order of the plan's fields from regions on.
struct RecordSpec {
  uint8_t size;
  uint8_t where; // PLAN: reported by the field's number
  uint8_t nRules;
};
constexpr RecordSpec specs[] = {
    {sizeof(Region), LLMC_AT_REGION, 6},
    {sizeof(Segment), LLMC_AT_SEGMENT, 10},
    {sizeof(Buffer), LLMC_AT_BUFFER, 5},
    {sizeof(Operand), LLMC_AT_OPERAND, 0},
    {0, LLMC_AT_PLAN, 0}, /* args: seen where they are used */
    {sizeof(Param), LLMC_AT_PARAM, 2},
    {sizeof(Kernel), LLMC_AT_KERNEL, 6},
    {sizeof(Queue), LLMC_AT_PLAN, 1},
    {sizeof(Dma), LLMC_AT_PLAN, 5},
    {0, LLMC_AT_PLAN, 0}, /* steps: with their entries */
    {sizeof(State), LLMC_AT_STATE, 10},
};
static_assert(fb::plan::states - fb::plan::regions + 1 == sizeof(specs) / sizeof(RecordSpec));
static_assert(6 + 10 + 5 + 2 + 6 + 1 + 5 + 10 == sizeof(rules) / sizeof(Rule));

} // namespace

Code PlanVerifier::checkRecords() {
  const Rule *rule = rules;
  unsigned id = fb::plan::regions;
  for (const RecordSpec &spec : specs) {
    const uint8_t *record = plan.fields[id].data;
    for (uint32_t i = 0; spec.size && i < count(id); ++i, record += spec.size) {
      where = Where(spec.where);
      detail = spec.where == LLMC_AT_PLAN ? id : i;
      Code code = checkFields(record, rule, spec.nRules);
      if (code == LLMC_OK)
        code = checkRecord(id, record, i);
      if (code != LLMC_OK)
        return code;
    }
    rule += spec.nRules;
    if (id == fb::plan::buffers)
      if (Code code = checkExactRegions(); code != LLMC_OK)
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
      if (value != (bound ? none : 0))
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
