// The conformance kit: what a target claims, shown class by class.
#pragma once

#include "tools/conformance/Result.h"
#include "tools/conformance/Subject.h"

#include <functional>

namespace llmc::conformance {

/// Checks that share nothing with those of another group: each may run in a process of its own.
struct Group {
  std::string name;
  std::function<GroupResult()> run;
};

/// The groups of a machine, those whose name contains `filter`. The subject outlives them.
std::vector<Group> groupsOf(const Subject &subject, const std::string &filter);

/// Runs a group; what it throws is a failure.
GroupResult runGroup(const Group &group);

/// A report on the subject without groups.
Report reportOn(const Subject &subject);

/// Runs all of them.
Report examine(const Subject &subject, const std::string &filter);

} // namespace llmc::conformance
