// A report that grows in processes which a plugin ends.
#include "tools/llmc/ConformanceResults.h"

#include "catch2/catch.hpp"

#include <sys/wait.h>
#include <unistd.h>

using namespace llmc;
using namespace llmc::conformance;

namespace {

Report emptyReport() {
  Report report;
  report.machine = "m";
  report.target = "t";
  report.seed = 7;
  report.withDevice = false;
  return report;
}

GroupResult passing(const std::string &name) {
  GroupResult group;
  group.name = name;
  group.passed = 3;
  group.refuse("too wide");
  return group;
}

/// A child that does `body`, which is read behind its end.
template <class Body> void inChild(ConformanceResults &results, Body body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  results.read();
}

PluginDeath death(const std::string &check) {
  PluginDeath death;
  death.function = "pack";
  death.what = "crashed";
  death.check = check;
  return death;
}

} // namespace

TEST_CASE("classes that ended a child fail, the others are as they were found") {
  ConformanceResults results;
  const std::vector<std::string> names = {"a", "b", "c"};
  inChild(results, [&] {
    results.begin(emptyReport(), names);
    results.add(passing("a"));
  });
  REQUIRE(results.begun());
  CHECK_FALSE(results.complete());
  results.add(death("n 3"));
  inChild(results, [&] {
    results.begin(emptyReport(), names);
    results.add(passing("c"));
  });
  CHECK(results.complete());
  const Report &report = results.report();
  CHECK(report.machine == "m");
  CHECK(report.target == "t");
  CHECK(report.seed == 7);
  CHECK_FALSE(report.withDevice);
  REQUIRE(report.groups.size() == 3);
  CHECK(toJson(report.groups[0]) == toJson(passing("a")));
  CHECK(report.groups[1].name == "b");
  CHECK(report.groups[1].incomplete);
  REQUIRE(report.groups[1].failures.size() == 1);
  CHECK(report.groups[1].failures[0].what == "n 3");
  CHECK(report.groups[1].failures[0].function == "pack");
  CHECK(report.groups[1].failures[0].reason == "crashed");
  CHECK(toJson(report.groups[2]) == toJson(passing("c")));
  results.add(death(""));
  CHECK(report.groups.back().name == "exit");
  CHECK_FALSE(report.groups.back().incomplete);
}

TEST_CASE("a plugin that does not even load any more fails all that is left") {
  ConformanceResults results;
  CHECK_FALSE((results.begun() || results.complete()));
  inChild(results, [&] {
    results.begin(emptyReport(), {"a", "b", "c"});
    results.add(passing("a"));
  });
  results.add(death(""));
  CHECK(results.complete());
  REQUIRE(results.report().groups.size() == 3);
  for (size_t i : {1, 2}) {
    CHECK(results.report().groups[i].failed == 1);
    CHECK(results.report().groups[i].failures[0].what == "all cases");
  }
}
