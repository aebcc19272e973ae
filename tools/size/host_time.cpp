// What a dispatch costs on this machine: two plans that differ in their number of dispatches, run
// on a device that does nothing. Prints nanoseconds, or instructions, per dispatch.
#include "runtime/exec/session.h"
#include "runtime/plan/source.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace llmc::rt;

namespace {

constexpr int rounds = 300;     // the best of so many counts
constexpr int runsInRound = 20; // long against the clock's resolution, short against pauses

llmc_status matchAny(void *, const llmc_target_info *) { return Status(); }
llmc_status submitNothing(void *ctx, const llmc_dispatch *) {
  ++*static_cast<uint64_t *>(ctx);
  return Status();
}
llmc_status pollNothing(void *, uint32_t, uint32_t) { return Status(); }

[[noreturn]] void fail(const char *what) {
  std::fprintf(stderr, "error: %s\n", what);
  std::exit(1);
}

/// A plan of tools/size_plan.py, bound to memory and a device that does nothing.
struct Program {
  std::vector<uint64_t> file;
  Plan plan;
  Session session;
  uint64_t dispatches = 0; // of one run
  uint64_t submitted = 0;
  llmc_device device = {};

  explicit Program(const char *path) {
    std::FILE *in = std::fopen(path, "rb");
    if (!in)
      fail("a plan cannot be read");
    std::fseek(in, 0, SEEK_END);
    const size_t size = size_t(std::ftell(in));
    std::rewind(in);
    file.resize(size / 8 + 1);
    if (std::fread(file.data(), 1, size, in) != size)
      fail("a plan cannot be read");
    std::fclose(in);
    open(size);
    run();
    dispatches = submitted;
  }
  Program(const Program &) = delete;

  void open(size_t size) {
    alignas(64) static uint8_t arena[65536];
    device.struct_size = sizeof(device);
    device.abi = LLMC_DEVICE_ABI;
    device.ctx = &submitted;
    device.match = matchAny;
    device.submit = submitNothing;
    device.poll = pollNothing;
    const llmc_device *devices[] = {&device};
    const llmc_memory memories[] = {{arena, 32768}, {arena + 32768, 32768}};
    Bindings bindings;
    bindings.devices = devices;
    bindings.memories = memories;
    if (!Plan::open(memorySource(file.data(), size), {}, &plan).ok() ||
        !session.bind(plan, bindings).ok())
      fail("a plan is refused");
  }

  void run() {
    Call call;
    call.nTokens = 1;
    if (!session.reset().ok() || !session.run(call).ok())
      fail("a plan does not run");
  }

  double nanoseconds() {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = Clock::now();
    for (int i = 0; i < runsInRound; ++i)
      run();
    return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / runsInRound;
  }

  /// Of one run, counted one by one in a child process.
  uint64_t instructions() {
    const pid_t child = fork();
    if (child == 0) {
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
        _exit(1);
      raise(SIGSTOP);
      run();
      _exit(0);
    }
    uint64_t count = 0;
    int state = 0;
    while (child > 0 && waitpid(child, &state, 0) == child && WIFSTOPPED(state)) {
      ++count;
      if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0)
        break;
    }
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0)
      fail("the system does not let instructions be counted (ptrace)");
    return count;
  }
};

} // namespace

int main(int argc, char **argv) {
  if (argc != 4)
    fail("usage: host_time time|instructions FEWER.llmc MORE.llmc");
  // One processor for all of it: counting changes between two processes at every instruction.
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(sched_getcpu(), &here);
  sched_setaffinity(0, sizeof(here), &here);
  Program fewer(argv[2]), more(argv[3]);
  double least[2] = {1e30, 1e30};
  if (std::strcmp(argv[1], "time") == 0)
    for (int i = 0; i < rounds; ++i) {
      least[0] = std::min(least[0], fewer.nanoseconds());
      least[1] = std::min(least[1], more.nanoseconds());
    }
  else
    for (int i = 0; i < 2; ++i)
      least[i] = double((i ? more : fewer).instructions());
  std::printf("%.3f\n", (least[1] - least[0]) / double(more.dispatches - fewer.dispatches));
  return 0;
}
