// The loop is unrolled three times: trip 0 meets the prologue, trip 1 the first loop-carried
// dependence, trip 2 the steady state. What each copy needs is then one affine wait; a need of trip
// 0 alone on the prologue stays a constant one.
#include "passes/Algorithms/Synchronization.h"

#include <algorithm>
#include <map>

namespace llmc::passes {

namespace {

constexpr uint64_t kGranule = 16;
constexpr int kCopies = 3;

/// Per granule, how far each engine was when it last wrote or read it.
class Tracker {
public:
  Tracker(uint32_t engines, uint64_t bytes)
      : engines(engines), lastWrite((bytes + kGranule - 1) / kGranule * engines),
        lastRead(lastWrite.size()), retired(engines) {}

  /// Counts of other engines that `command` must wait for; then the command is part of the past.
  std::vector<int64_t> issue(const SyncCommand &command) {
    std::vector<int64_t> needs(engines, 0);
    for (const SyncAccess &access : command.accesses)
      for (uint64_t granule = access.begin / kGranule; granule * kGranule < access.end; ++granule)
        for (uint32_t engine = 0; engine < engines; ++engine) {
          needs[engine] = std::max(needs[engine], lastWrite[granule * engines + engine]);
          if (access.isWrite)
            needs[engine] = std::max(needs[engine], lastRead[granule * engines + engine]);
        }
    needs[command.engine] = 0; // its own list is in order
    int64_t count = ++retired[command.engine];
    for (const SyncAccess &access : command.accesses)
      for (uint64_t granule = access.begin / kGranule; granule * kGranule < access.end; ++granule)
        (access.isWrite ? lastWrite : lastRead)[granule * engines + command.engine] = count;
    return needs;
  }

  const std::vector<int64_t> &counts() const { return retired; }

private:
  uint32_t engines;
  std::vector<int64_t> lastWrite, lastRead, retired;
};

using Needs = std::vector<std::vector<int64_t>>; // [command][engine]

Needs issueAll(Tracker &tracker, const std::vector<SyncCommand> &commands) {
  Needs needs;
  for (const SyncCommand &command : commands)
    needs.push_back(tracker.issue(command));
  return needs;
}

std::vector<int64_t> countsOf(const std::vector<SyncCommand> &commands, uint32_t engines) {
  std::vector<int64_t> counts(engines);
  for (const SyncCommand &command : commands)
    ++counts[command.engine];
  return counts;
}

void setConstantWaits(std::vector<SyncCommand> &commands, const Needs &needs) {
  for (size_t i = 0; i < commands.size(); ++i) {
    commands[i].waits.clear();
    for (uint32_t engine = 0; engine < needs[i].size(); ++engine)
      if (needs[i][engine] > 0)
        commands[i].waits.push_back({engine, needs[i][engine], 0});
  }
}

/// One command of the body: an affine wait where a trip needs an earlier command of the body, a
/// constant one where only the prologue matters. An affine value may be negative: then the first
/// trips do not wait.
void setBodyWaits(SyncCommand &command, const std::vector<int64_t> (&needs)[kCopies],
                  const std::vector<int64_t> &before, const std::vector<int64_t> &perTrip) {
  command.waits.clear();
  for (uint32_t engine = 0; engine < before.size(); ++engine) {
    int64_t affine = INT64_MIN, onPrologue = 0;
    for (int copy = 0; copy < kCopies; ++copy)
      if (needs[copy][engine] > before[engine])
        affine = std::max(affine, needs[copy][engine] - copy * perTrip[engine]);
      else if (copy == 0)
        onPrologue = needs[copy][engine];
    if (affine != INT64_MIN) // one wait an engine: a need of trip 0 on the prologue joins it
      command.waits.push_back(
          {engine, onPrologue ? std::max(affine, onPrologue) : affine, perTrip[engine]});
    else if (onPrologue > 0)
      command.waits.push_back({engine, onPrologue, 0});
  }
}

/// Every wait that an earlier command of the same list already implies is dropped.
void dropImplied(std::vector<SyncCommand> &commands) {
  std::map<std::pair<uint32_t, uint32_t>, SyncWait> known; // (waiting, awaited) -> strongest so far
  for (SyncCommand &command : commands)
    std::erase_if(command.waits, [&](const SyncWait &wait) {
      auto [entry, isNew] = known.try_emplace({command.engine, wait.engine}, wait);
      if (isNew)
        return false;
      bool implied = entry->second.value >= wait.value && entry->second.perTrip >= wait.perTrip;
      if (wait.value >= entry->second.value && wait.perTrip >= entry->second.perTrip)
        entry->second = wait;
      return implied;
    });
}

} // namespace

void synchronize(SyncProgram &program, uint64_t bytes) {
  Tracker tracker(program.engines, bytes);
  setConstantWaits(program.prologue, issueAll(tracker, program.prologue));
  std::vector<int64_t> before = tracker.counts();
  std::vector<int64_t> perTrip = countsOf(program.body, program.engines);
  Needs copies[kCopies];
  for (Needs &needs : copies)
    needs = issueAll(tracker, program.body);
  for (size_t i = 0; i < program.body.size(); ++i) {
    std::vector<int64_t> needs[kCopies] = {copies[0][i], copies[1][i], copies[2][i]};
    setBodyWaits(program.body[i], needs, before, perTrip);
  }
  Needs after = issueAll(tracker, program.epilogue);
  // The epilogue met three copies of the body; the machine runs `trips`.
  for (std::vector<int64_t> &needs : after)
    for (uint32_t engine = 0; engine < program.engines; ++engine)
      if (needs[engine] > before[engine])
        needs[engine] += perTrip[engine] * (int64_t(program.trips) - kCopies);
  setConstantWaits(program.epilogue, after);
  for (std::vector<SyncCommand> *commands : {&program.prologue, &program.body, &program.epilogue})
    dropImplied(*commands);
}

} // namespace llmc::passes
