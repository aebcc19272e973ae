// What a process says about its calls into plugins, and what the one that watches makes of it.
#include "tools/llmc/CallRecord.h"

#include "catch2/catch.hpp"

#include <sys/wait.h>
#include <unistd.h>

using namespace llmc;
using State = CallRecord::State;
using std::chrono::milliseconds;

TEST_CASE("a child's calls are read in its parent") {
  CallRecord record;
  CHECK(record.read().call == 0);
  CHECK(record.read().state == State::Outside);
  if (const pid_t child = fork(); child == 0) {
    record.enter("plugin 'a.so'", "llmc_target_plugin");
    record.leave();
    record.setLoaded({"a.so"});
    record.setCheck("tokens 3");
    record.enter("plugin 'a.so', target 'a'", "emit_kernels");
    record.enterHost();
    _exit(0);
  } else {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
  }
  const CallRecord::Reading reading = record.read();
  CHECK(reading.call == 2);
  CHECK(reading.state == State::Host);
  CHECK(reading.loaded);
  CHECK(reading.owner == "plugin 'a.so', target 'a'");
  CHECK(reading.function == "emit_kernels");
  CHECK(reading.check == "tokens 3");
}

TEST_CASE("names that are too long are cut") {
  CallRecord record;
  record.enter(std::string(10000, 'o'), std::string(10000, 'f'));
  const CallRecord::Reading reading = record.read();
  CHECK(reading.owner.size() > 1000);
  CHECK(std::string(10000, 'o').starts_with(reading.owner));
  CHECK(reading.function.size() > 50);
  CHECK(std::string(10000, 'f').starts_with(reading.function));
}

TEST_CASE("the clock of a call stands still in services of llmc and between calls") {
  CallRecord record;
  CallClock clock;
  const auto after = [&](int elapsed) {
    return int(clock.tick(record.read(), milliseconds(elapsed)).count());
  };
  CHECK(after(100) == 0);
  record.enter("p", "pack");
  CHECK(after(100) == 0); // It may have begun just now.
  CHECK(after(100) == 100);
  record.enterHost();
  CHECK(after(100) == 100);
  CHECK(after(100) == 100);
  record.leaveHost();
  CHECK(after(50) == 150);
  record.leave();
  CHECK(after(100) == 0);
  record.enter("p", "pack");
  CHECK(after(100) == 0);
  CHECK(after(100) == 100);
  record.leave();
  record.enter("p", "pack"); // The same function, another call.
  CHECK(after(100) == 0);
}
