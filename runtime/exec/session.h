// Runs the entries of a plan, one at a time, on the caller's memory and devices.
//
// Plan::open proved every address, so nothing is checked per step. What a caller passes is checked
// in begin. After an error the session is poisoned: every call but reset returns POISONED.
#ifndef LLMC_RUNTIME_EXEC_SESSION_H
#define LLMC_RUNTIME_EXEC_SESSION_H

#include "runtime/base/device.h"
#include "runtime/plan/plan.h"

namespace llmc::rt {

/// What a session runs on. Everything named here outlives the session's use.
struct Bindings {
  /// By region. FlashPaged regions need none; a region that no CPU step touches may have a device
  /// address as its base.
  Span<const llmc_memory> memories;
  /// By target; null where there is no such device, then entries that need it cannot begin.
  Span<const llmc_device *const> devices;
  const llmc_platform *platform = nullptr;
  const llmc_trace *trace = nullptr;
};

/// One run of an entry.
struct Call {
  uint32_t entry = 0;
  /// Token ids for an entry that has an ids input: as many as it is to process, at most its chunk.
  Span<const int32_t> ids;
  /// The number of tokens (or rows) for an entry without one.
  uint32_t nTokens = 0;
  /// For entries with a row parameter: the first row of the kept buffer.
  uint32_t row = 0;
};

class Session {
public:
  /// Checks memories and devices against the plan, attaches and loads, and resets. The plan
  /// outlives the binding.
  Status bind(const Plan &plan, const Bindings &bindings);
  /// Position 0, devices reset, and no longer poisoned. PENDING while work that
  /// cannot be stopped still runs; call again.
  Status reset();

  /// Starts an entry at the current position. The caller's memory for ids is free again on return.
  Status begin(const Call &call);
  /// Makes progress without blocking: OK when the entry is complete, PENDING, or an error.
  Status poll();
  /// begin, then poll until it is not pending, with the platform's idle hook while a device or the
  /// source is at work.
  Status run(const Call &call);
  /// Stops the running entry: OK when nothing runs any more, PENDING while a device drains (then
  /// poll, which ends with CANCELLED). The position stays.
  Status cancel();

  /// Sets an input parameter other than the first three, for the entries to come.
  Status setParam(uint32_t index, uint32_t value);

  /// Tokens in the state: the position of the next one.
  uint32_t position() const { return committed; }
  /// Forgets the tokens at and after `position`.
  Status truncate(uint32_t position);

  /// Can this entry begin with the devices bound?
  bool usable(const EntryView &entry) const { return (entry.targetMask() & ~boundTargets) == 0; }
  /// A static operand; UNSUPPORTED where the CPU cannot read its region.
  Status view(uint32_t operand, llmc_operand_view *out) const;
  /// The memory of a state's buffer, made coherent for the CPU to read, or after it was `written`
  /// for the devices. UNSUPPORTED where the CPU cannot do both.
  Status stateMemory(uint32_t state, bool written, llmc_memory *out);

  const Plan *plan() const { return bound; }
  const llmc_platform *platform() const { return hooks; }
  bool idle() const { return phase == Phase::Idle; }
  /// The last poll was pending because a device or the source had work in flight, not because of a
  /// yield.
  bool waiting() const { return stalled || phase == Phase::Draining; }
  /// After the caller filled the memory of every state: the tokens they hold.
  Status adopt(uint32_t position);
  /// Marks the session as failed, for layers above that found its results wrong.
  Status poison(Status status);

private:
  enum class Phase : uint8_t { Unbound, Idle, Running, Draining, Poisoned };
  struct Loop {
    uint32_t begin;
    uint32_t left; // rounds after this one
  };

  /// The flash source, counted as one more queue.
  static constexpr uint32_t sourceAt = maxQueues;
  struct Place {
    Where where;
    uint32_t detail;
  };

  void clear();
  Status ready() const;
  Status notRunning() const;
  Status settle();
  Code checkMemories(Span<const llmc_memory> memories, Place *place) const;
  Code checkTables(const Bindings &bindings, Place *place) const;
  Code checkDevice(uint32_t target, const llmc_device &device) const;
  Status attach(const Bindings &bindings);
  Code checkCall(const Call &call, const EntryView &entry, uint32_t nTokens, Place *place) const;
  bool writeIds(const EntryView &entry, Span<const int32_t> ids);
  void setParams(const Call &call, const EntryView &entry, uint32_t nTokens);
  void deriveFrom(uint32_t first);
  const void *codeOf(const Blob &blob) const;
  /// Cache maintenance of a state's memory, by every device.
  void maintain(const llmc_memory &memory, bool written) const;

  void resolveTo(const Operand &operand, llmc_operand_view *out) const;
  void moveBy(const Move &move, llmc_operand_view *out) const;
  void resolve(uint32_t operand, llmc_operand_view *out) const;
  void resolveEach(const uint16_t *arg, uint32_t n, llmc_operand_view *out) const;
  void resolveArgs(const Step &step, uint32_t n, llmc_operand_view *out) const;
  Status step(const Step &step);
  Status dispatch(const Step *&at);
  Status dma(const Step &step);
  Status prefetch(const Step &step);
  Status readPaged(uint64_t offset, size_t size, void *to);
  Status gather(const Step &step);
  Status hostCall(const Step &step) const;
  Status maintainCache(const Step &step) const;
  Status loopBegin(const Step &step);
  Status loopEnd(const Step &step);
  Status waitQueue(uint32_t queue, uint32_t allowed);
  Status waitAll();
  Status drain();
  void trace(uint8_t event, uint32_t value) const;

  // What is used most, and single bytes, come first: there an instruction of two bytes reaches
  // them.
  const Plan *bound = nullptr;
  uint8_t depth = 0;
  Phase phase = Phase::Unbound;
  uint8_t boundTargets = 0;
  bool commits = false;   // a KV commit was reached
  bool stalled = false;   // the current step has been found pending
  uint32_t gathered = 0;  // rows that the current gather step is done with
  uint32_t committed = 0; // position
  uint32_t pc = 0;
  const llmc_platform *hooks = nullptr;
  const llmc_trace *tracer = nullptr;
  const llmc_device *devices[maxTargets] = {};
  uint32_t issued[maxQueues + 1] = {}; // tag of the last submission
  uint32_t done[maxQueues + 1] = {};   // tag of the last one known to be complete
  uint32_t params[maxParams] = {};
  uintptr_t bases[maxRegions] = {}; // addresses; of paged regions: offsets in the file
  Loop loops[maxLoopDepth] = {};
};

inline const void *Session::codeOf(const Blob &blob) const {
  const Segment &segment = bound->segments()[blob.segment];
  return reinterpret_cast<const void *>(bases[segment.region] + uintptr_t(segment.regionOffset) +
                                        blob.offset);
}

static_assert(sizeof(Session) <= 512, "a session is small");

} // namespace llmc::rt

#endif
