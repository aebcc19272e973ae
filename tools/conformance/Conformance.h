// The conformance kit: what a target claims, shown class by class.
#pragma once

#include "tools/conformance/Result.h"
#include "tools/conformance/Subject.h"

#include <functional>

namespace llmc::conformance {

/// Checks that share nothing with those of another class: each may run in a process of its own.
struct CheckClass {
  std::string name;
  std::function<ClassResult()> run;
};

/// The classes of a machine, those whose name contains `filter`. The subject outlives them.
std::vector<CheckClass> classesOf(const Subject &subject, const std::string &filter);

/// Runs a class; what it throws is a failure.
ClassResult runClass(const CheckClass &checks);

/// A report on the subject without classes.
Report reportOn(const Subject &subject);

/// Runs all of them.
Report examine(const Subject &subject, const std::string &filter);

} // namespace llmc::conformance
