// Proves everything about a plan that the executor relies on. Runs on a plan whose FlatBuffer
// structure is sound.
//
// Checks return a code; the place of the finding stands in `where` and `detail` meanwhile. Fields
// that hold an index, a bounded number or nothing are checked by the rules of verify_fields.cpp,
// what relates several fields by code.
#ifndef LLMC_RUNTIME_PLAN_VERIFIER_H
#define LLMC_RUNTIME_PLAN_VERIFIER_H

#include "runtime/plan/plan.h"

namespace llmc::rt {

/// Largest region: sums of an address and a size do not wrap.
inline constexpr size_t maxRegionBytes = SIZE_MAX / 2;

inline constexpr uint8_t anyAccess = cpuReads | cpuWrites | deviceReads | deviceWrites;

/// All of `access` is possible by address: not so in flash that is paged, which prefetch reads.
inline bool hasAddress(const Region &region, uint8_t access) {
  return !(access & ~region.access) && region.kind != RegionKind::FlashPaged;
}

struct Rule;

class PlanVerifier {
public:
  explicit PlanVerifier(const Plan &plan) : plan(plan) { clearBytes(regionEnd, sizeof(regionEnd)); }

  Status run();

private:
  Code checkAll();
  uint32_t count(unsigned vector) const { return plan.fields[vector].value; }
  Code fail(Code code, Where place, uint32_t index);

  // All records by their rules (verify_fields.cpp).
  Code checkRecords();
  Code checkFields(const uint8_t *record, const Rule *rule, unsigned n) const;

  // What relates fields of records (verify_records.cpp), in the order of their vectors.
  Code checkRecord(unsigned vector, const uint8_t *record, uint32_t index);
  Code check(const Region &region) const;
  Code check(const Segment &segment, uint32_t index);
  Code checkPlacement(const Segment &segment);
  Code check(const Param &param, uint32_t index);
  Code check(const Move &move) const;
  Code check(const Operand &operand) const;
  Code check(const Blob &blob) const;
  Code check(const Rows &rows) const;
  Code check(const State &state, uint32_t index) const;
  Code check(const Tensor &tensor) const;
  Code checkDigestSegment();
  Code checkConstantRegions();
  /// The farthest that an operand reaches lies in its region, with its parameters at their bounds
  /// where it `moves`.
  Code checkReach(const Operand &operand, bool moves) const;

  // Entries (verify_entries.cpp).
  Code check(const Entry &entry, uint32_t index);
  Code boundParams();
  Code checkRole(const Tensor &tensor, bool isInput) const;

  // Steps (verify_steps.cpp).
  Code checkSteps();
  Code checkStep(const Step &step);
  Code checkDispatch(const Step &step);
  Code countSteps(uint32_t end);
  Code checkArgs(const Step &step, uint32_t n, uint8_t how);
  Code checkRows(const Step &step) const;
  Code checkLoopBegin(const Step &step);
  Code checkLoopEnd(const Step &step);
  /// Operand `index` may be used with `access` (0: what it states) by the CPU or a device, whatever
  /// the parameters of this entry. Of paged flash, by whoever reads `pages`.
  Code checkUse(uint32_t index, uint8_t access, bool byCpu, bool pages);
  Code proveForDevice(uint32_t index);
  const Operand &operand(const Step &step, unsigned i) const {
    return plan.operands()[plan.args()[step.b + i]];
  }
  size_t extentOf(const Operand &operand) const;

  struct Loop {
    uint32_t begin;
    uint8_t param;
    uint32_t multiplier; // of the steps around the loop
  };
  static constexpr uint32_t remembered = 256;

  const Plan &plan;
  Where where = LLMC_AT_PLAN;
  uint8_t usedFeatures = 0;
  uint16_t digests = none16; // the segment that holds them
  uint32_t detail = 0;
  size_t fileEnd = 0; // of the last segment so far
  // The entry being checked.
  const Entry *entry = nullptr;
  uint32_t lastStep = none32; // before the first entry: one before the first step
  uint32_t depth;
  uint32_t multiplier; // how often this step is executed; beyond the limit: one more than it
  uint32_t counted;    // the first step that is not yet part of `executed`
  uint64_t executed;   // steps so far, loops counted in full
  bool usedQueues[maxQueues];
  uint32_t bounds[maxParams]; // the most each parameter can be in this entry
  Loop loops[maxLoopDepth];
  bool proved[remembered]; // a device may use this operand as it states
  // Of the records.
  size_t regionEnd[maxRegions]; // of the last segment so far
  size_t pagedDelta[maxRegions];
};

} // namespace llmc::rt

#endif
