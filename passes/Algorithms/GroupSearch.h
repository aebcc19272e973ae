#pragma once

#include "passes/Algorithms/Index.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace llmc::passes {

constexpr uint64_t kTooCostly = UINT64_MAX;

/// Operations in topological order, to be cut into groups of neighbours that each run from one SRAM
/// residency. Groups are half-open ranges [begin, end) of operations.
struct GroupProblem {
  uint32_t numOps = 0;
  uint64_t capacity = 0; ///< bytes of SRAM
  /// Bytes of SRAM that a group needs at its fullest.
  std::function<uint64_t(OpIdx begin, OpIdx end)> footprint;
  /// What running the group costs, in the caller's unit: bytes moved between SRAM and DRAM, or
  /// cycles. kTooCostly forbids the group.
  std::function<uint64_t(OpIdx begin, OpIdx end)> cost;
  /// Whether a group that is too large stays too large with one more operation; spares most
  /// footprints.
  bool footprintGrows = true;
};

struct OpGroup {
  OpIdx begin, end;
  uint64_t footprint = 0;
  uint64_t cost = 0;
};

struct GroupPlan {
  std::vector<OpGroup> groups; ///< in order, covering every operation once; empty on failure
  uint64_t cost = 0;
  std::string error; ///< not empty when there is no such cut; then `blame` says which operation is
                     ///< in no group
  OpIdx blame;
};

/// The cut with the smallest total cost; among equals that with the fewest groups, then with the
/// longest last groups. Exact: dynamic programming over the prefixes of the order.
GroupPlan searchGroups(const GroupProblem &problem);

/// A value between operations.
struct LiveValue {
  uint64_t bytes = 0;
  OpIdx producer;          ///< unset: comes from outside, so that every group that uses it loads it
  std::vector<OpIdx> uses; ///< ascending
  bool leaves = false;     ///< must end in DRAM whoever uses it: an output or state
};

/// The first reason why the values make no sense for so many operations, or an empty string.
std::string checkLiveValues(const std::vector<LiveValue> &values, uint32_t numOps);

/// Footprint and DRAM traffic of groups from the values between their operations. A value is loaded
/// before its first use in a group unless the group produced it, and stored right after production
/// when a later group uses it.
class LiveValueModel {
public:
  /// The values must pass checkLiveValues. `scratch` has the bytes an operation needs beside its
  /// values, one entry per operation.
  LiveValueModel(std::vector<LiveValue> values, std::vector<uint64_t> scratch);

  uint64_t footprint(OpIdx begin, OpIdx end) const;
  uint64_t loadedBytes(OpIdx begin, OpIdx end) const;
  uint64_t storedBytes(OpIdx begin, OpIdx end) const;
  /// The group problem that minimises the bytes moved. The model must outlive it.
  GroupProblem problem(uint64_t capacity) const;

private:
  struct Presence {
    bool touched = false; ///< the group loads or produces the value
    bool loaded = false;
    bool stored = false;
    uint32_t first = 0, last = 0; ///< operations it is live at, last inclusive
  };
  Presence presence(const LiveValue &value, OpIdx begin, OpIdx end) const;

  std::vector<LiveValue> values;
  std::vector<uint64_t> scratch;
};

} // namespace llmc::passes
