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

ClassResult passing(const std::string &name) {
  ClassResult checks;
  checks.name = name;
  checks.passed = 3;
  checks.refuse("too wide");
  return checks;
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

TEST_CASE("a class is run again without the cases that ended a child, and given up at the third") {
  ConformanceResults results;
  const std::vector<std::string> names = {"a", "b", "c"};
  const auto say = [&](const std::string &name) {
    inChild(results, [&] {
      results.begin(emptyReport(), names);
      if (!name.empty())
        results.add(passing(name));
    });
  };
  say("");
  REQUIRE(results.begun());
  results.add(death("n 3"));
  REQUIRE(results.deaths().size() == 1);
  CHECK(results.deaths()[0].what == "n 3");
  CHECK(results.deaths()[0].function == "pack");
  CHECK(results.deaths()[0].reason == "crashed");
  say("a");
  CHECK(results.deaths().empty());
  for (const char *fatal : {"n 3", "n 4", "n 5"}) {
    CHECK(results.report().classes.size() == 1);
    results.add(death(fatal));
  }
  CHECK(results.deaths().empty());
  say("c");
  CHECK(results.complete());
  const Report &report = results.report();
  CHECK(report.machine == "m");
  CHECK(report.target == "t");
  CHECK(report.seed == 7);
  CHECK_FALSE(report.withDevice);
  REQUIRE(report.classes.size() == 3);
  CHECK(toJson(report.classes[0]) == toJson(passing("a")));
  CHECK(report.classes[1].name == "b");
  CHECK(report.classes[1].incomplete);
  REQUIRE(report.classes[1].failures.size() == 3);
  CHECK(report.classes[1].failures[2].what == "n 5");
  CHECK(toJson(report.classes[2]) == toJson(passing("c")));
  results.add(death(""));
  CHECK(report.classes.back().name == "exit");
  CHECK_FALSE(report.classes.back().incomplete);
}

TEST_CASE("a class is given up at once where leaving a case out does not help") {
  ConformanceResults results;
  inChild(results, [&] { results.begin(emptyReport(), {"a", "b"}); });
  results.add(death("odd model"));
  CHECK(results.report().classes.empty());
  results.add(death("odd model"));
  REQUIRE(results.report().classes.size() == 1);
  CHECK(results.report().classes[0].failed == 1);
  PluginDeath hang = death("n 3");
  hang.hung = true;
  results.add(hang);
  REQUIRE(results.complete());
  CHECK(results.report().classes[1].incomplete);
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
  REQUIRE(results.report().classes.size() == 3);
  for (size_t i : {1, 2}) {
    CHECK(results.report().classes[i].failed == 1);
    CHECK(results.report().classes[i].failures[0].what == "all cases");
  }
}
