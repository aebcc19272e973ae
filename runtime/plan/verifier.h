// Proves everything about a plan that the executor relies on. Runs on a plan whose FlatBuffer
// structure is sound.
#ifndef LLMC_RUNTIME_PLAN_VERIFIER_H
#define LLMC_RUNTIME_PLAN_VERIFIER_H

#include "runtime/plan/plan.h"

namespace llmc::rt {

class PlanVerifier {
public:
  explicit PlanVerifier(const Plan &plan) : plan(plan) {}

  Status run();

private:
  // Records (verify_records.cpp). Each assumes that those before it passed.
  Status checkRegions();
  Status checkSegments();
  Status checkSegment(const Segment &segment, uint32_t index);
  Status checkPlacement(const Segment &segment, uint32_t index);
  Status checkDigests();
  Status checkBuffers();
  Status checkExactRegions();
  Status checkParams();
  Status checkOperands();
  Status checkKernels();
  Status checkQueues();
  Status checkDmas();
  Status checkStates();
  Status checkRest();
  bool badString(uint32_t index) const { return index != none32 && index >= plan.nStrings(); }

  // Entries (verify_entries.cpp).
  struct Loop {
    uint32_t begin;
    uint8_t param;
    uint64_t multiplier; // of the steps around the loop
  };
  struct Scope {
    EntryView entry;
    uint32_t index = 0;
    uint32_t bounds[maxParams] = {}; // the most each parameter can be in this entry
    uint32_t usedTargets = 0;
    Loop loops[maxLoopDepth] = {};
    uint32_t depth = 0;
    uint64_t multiplier = 1;
    uint64_t executed = 0;
  };
  Status checkEntry(uint32_t index);
  Status boundParams(Scope &scope);
  Status checkTensor(const Scope &scope, const TensorView &tensor, uint32_t detail);
  Status checkSteps(Scope &scope);

  // Steps (verify_steps.cpp).
  Status checkStep(Scope &scope, uint32_t at);
  Status checkDispatch(Scope &scope, const Step &step, uint32_t at);
  Status checkDma(Scope &scope, const Step &step, uint32_t at);
  Status checkPrefetch(Scope &scope, const Step &step, uint32_t at);
  Status checkLoopBegin(Scope &scope, const Step &step, uint32_t at);
  Status checkLoopEnd(Scope &scope, const Step &step, uint32_t at);
  Status checkGather(Scope &scope, const Step &step, uint32_t at);
  Status checkHostCall(Scope &scope, const Step &step, uint32_t at);
  Status checkKvCommit(Scope &scope, const Step &step, uint32_t at);
  Status checkQueue(Scope &scope, const Step &step, uint32_t at);
  /// Operand `index` may be used with `access` by the CPU or a device, whatever the parameters of
  /// this entry.
  Status checkUse(const Scope &scope, uint32_t index, uint8_t access, bool byCpu,
                  uint32_t at) const;
  Status checkArgs(const Scope &scope, uint32_t first, uint32_t n, bool byCpu, uint32_t at) const;
  /// The farthest address of operand `index` lies in its buffer.
  Status checkRange(const Scope &scope, uint32_t index) const;

  const Plan &plan;
  uint64_t usedFeatures = 0;
};

} // namespace llmc::rt

#endif
