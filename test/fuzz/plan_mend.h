// The parts of mending a plan.
#pragma once

#include "runtime/base/device.h"
#include "runtime/plan/params.h"
#include "test/fuzz/plan_mutator.h"

namespace llmc::fuzz {

class Mender {
public:
  Mender(PlanDescription &plan, Random &random) : plan(plan), random(random) {}

  // Records (plan_mend.cpp). Each relies on those before it.
  void regions();
  void segments();
  void sizes();
  void params();
  void moves();
  void operands();
  void states();
  void blobs();
  void kernels();
  void units();

  // Entries, their steps and tensors (plan_mend_steps.cpp).
  void entries();
  void steps();
  void tensors();

private:
  void name(uint16_t &index);
  void place(SegmentDescription &segment, rt::Region &region);
  void derived(rt::Param &param, uint32_t index, const std::vector<uint32_t> &bounds);
  void shrink(rt::Move &move, uint64_t left);
  void rows(rt::State &state, uint64_t bytes);

  struct Open { // a loop that has begun
    uint32_t begin;
    uint32_t param;
  };
  void loops(const EntryDescription &entry);
  void step(EntryDescription &entry, rt::Step &step);
  void unused(rt::Step &step);
  bool dispatch(rt::Step &step);
  bool dma(rt::Step &step);
  bool prefetch(rt::Step &step);
  bool gather(rt::Step &step);
  bool args(uint32_t &first, uint32_t n, bool byCpu);
  uint64_t extentOf(uint32_t operand) const;
  uint32_t argument(const rt::Step &step, uint32_t i) const;
  bool setArgs(rt::Step &step, std::initializer_list<uint32_t> operands);
  bool loopParam(rt::Step &step, const std::vector<Open> &open);
  bool usable(uint32_t operand, uint8_t access, bool byCpu) const;
  /// `operand` where it may be used so and is large enough, else another; none32 where there is
  /// none.
  uint32_t pick(uint32_t operand, uint8_t access, bool byCpu, uint64_t bytes = 1);
  void tensor(const EntryDescription &entry, TensorDescription &tensor, bool input);

  PlanDescription &plan;
  Random &random;
};

} // namespace llmc::fuzz
