#include "tools/llmc/Isolation.h"

#include "tools/llmc/CallRecord.h"
#include "tools/llmc/CommandLine.h"
#include "tools/llmc/Errors.h"
#include "tools/llmc/TemporaryFolder.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace llmc {

namespace {

using std::chrono::milliseconds;
using State = CallRecord::State;

/// Between two looks at the record.
constexpr milliseconds step(100);

/// Signals that would end this process come to `next` instead.
class WaitedSignals {
public:
  WaitedSignals() {
    sigemptyset(&waited);
    sigaddset(&waited, SIGCHLD);
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM})
      if (struct sigaction now; sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)
        sigaddset(&waited, signal);
    std::signal(SIGCHLD, SIG_DFL); // Children of who ignores it cannot be waited for.
    sigprocmask(SIG_BLOCK, &waited, &before);
  }
  ~WaitedSignals() { sigprocmask(SIG_SETMASK, &before, nullptr); }
  WaitedSignals(const WaitedSignals &) = delete;
  WaitedSignals &operator=(const WaitedSignals &) = delete;

  /// The next one, 0 where none comes within a step.
  int next() const {
    const timespec most = {0, std::chrono::nanoseconds(step).count()};
    return std::max(0, sigtimedwait(&waited, nullptr, &most));
  }

private:
  sigset_t waited, before;
};

std::string nameOf(int signal) {
  const char *name = sigabbrev_np(signal);
  return name ? fmt::format("SIG{} ({})", name, sigdescr_np(signal))
              : fmt::format("signal {}", signal);
}

PluginDeath deathOf(const CallRecord::Reading &reading, const std::string &what) {
  PluginDeath death;
  death.owner = reading.owner;
  death.function = reading.function;
  death.what = what;
  death.check = reading.check;
  death.loading = !reading.loaded;
  death.advice = "the plugin breaks its interface, and whoever wrote it must mend it";
  death.isInternal = reading.state == State::Outside || reading.state == State::Host;
  if (reading.state == State::Host) {
    death.what = "called a service of llmc, which " + what;
    death.advice = "what the function gave it is wrong, or llmc is";
  } else if (reading.state == State::Outside) {
    if (reading.call != 0)
      death.what = "returned, and llmc " + what + " behind it";
    death.advice = "a function of a plugin has damaged its memory, or llmc is wrong";
  }
  return death;
}

/// How a child ended, and the signal that ends this process likewise; 0 where there is none.
struct Outcome {
  ChildEnd end;
  int signal = 0;
};

Outcome outcomeOf(int status, const CallRecord::Reading &reading) {
  if (WIFEXITED(status)) {
    const int code = WEXITSTATUS(status);
    if (reading.state == State::Ending)
      return {{code, std::nullopt}, 0};
    const std::string what = reading.thrown.empty()
                                 ? fmt::format("ended the process with exit code {}", code)
                                 : reading.thrown;
    return {{1, deathOf(reading, what)}, 0};
  }
  const int signal = WTERMSIG(status);
  for (const int asked : {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM})
    if (signal == asked)
      return {{}, signal};
  if (signal != SIGKILL)
    return {{1, deathOf(reading, "crashed with " + nameOf(signal))}, 0};
  PluginDeath death = deathOf(reading, "was ended by " + nameOf(signal));
  death.advice = "somebody sent that, or the system was out of memory, which its log then says";
  death.isInternal = false;
  return {{1, death}, 0};
}

/// Watches a child until its end.
class Watcher {
public:
  Watcher(pid_t child, const CallRecord &record, const IsolationOptions &options,
          const WaitedSignals &signals)
      : child(child), record(record), options(options), signals(signals) {}

  Outcome run() {
    using Clock = std::chrono::steady_clock;
    for (Clock::time_point last = Clock::now();;) {
      const int signal = signals.next();
      if (int status; waitpid(child, &status, WNOHANG) == child)
        return outcomeOf(status, record.read());
      if (signal != 0 && signal != SIGCHLD) {
        kill();
        return {{}, signal};
      }
      // What takes longer than two steps was a process that stood still, and so did the child.
      const auto elapsed = std::chrono::duration_cast<milliseconds>(Clock::now() - last);
      last = Clock::now();
      if (const auto death = hang(std::min(elapsed, 2 * step))) {
        kill();
        return {{1, death}, 0};
      }
    }
  }

private:
  std::optional<PluginDeath> hang(milliseconds elapsed) {
    const CallRecord::Reading reading = record.read();
    const milliseconds spent = clock.tick(reading, elapsed);
    if (!options.timeoutSeconds || spent < std::chrono::seconds(*options.timeoutSeconds))
      return std::nullopt;
    PluginDeath death =
        deathOf(reading, fmt::format("did not return within {} s", *options.timeoutSeconds));
    death.advice = "--plugin-timeout=SECONDS gives it longer";
    death.hung = true;
    return death;
  }

  void kill() const {
    ::kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }

  const pid_t child;
  const CallRecord &record;
  const IsolationOptions &options;
  const WaitedSignals &signals;
  CallClock clock;
};

/// In the child: ends with its parent, whatever ends that.
void follow(pid_t parent, TemporaryFolder &folder) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(1);
  setenv("TMPDIR", folder.string().c_str(), /*overwrite=*/1);
  folder.release();
}

Outcome watchChild(CallRecord &record, const IsolationOptions &options, bool &inChild) {
  const WaitedSignals signals;
  TemporaryFolder folder("llmc");
  std::fflush(nullptr); // else both write it
  const pid_t parent = getpid(), child = fork();
  if (child < 0)
    throw InputError(fmt::format("no process can be started for the plugins: {}; "
                                 "--plugin-isolation=off needs none",
                                 std::strerror(errno)));
  inChild = child == 0;
  if (!inChild)
    return Watcher(child, record, options, signals).run();
  follow(parent, folder);
  return {};
}

[[noreturn]] void endBySignal(int signal) {
  std::signal(signal, SIG_DFL);
  raise(signal);
  _exit(128 + signal);
}

} // namespace

std::string PluginDeath::message() const {
  return fmt::format("{} {}; {}", owner.empty() ? "llmc" : target::calledText(owner, function),
                     what, advice);
}

std::optional<ChildEnd> runInChild(CallRecord &record, const IsolationOptions &options) {
  bool inChild = false;
  const Outcome outcome = watchChild(record, options, inChild);
  if (inChild)
    return std::nullopt;
  if (outcome.signal != 0)
    endBySignal(outcome.signal);
  return outcome.end;
}

void endLike(const ChildEnd &end) {
  if (!end.death)
    throw CommandEnded{end.exitCode};
  if (end.death->isInternal)
    throw std::runtime_error(end.death->message());
  throw InputError(end.death->message());
}

void addIsolationOptions(CLI::App &command, IsolationOptions &options) {
  command
      .add_option_function<std::string>(
          "--plugin-isolation", [&options](const std::string &text) { options.on = text == "on"; },
          "on: plugins run in a process of their own, whose crash is told by the name of the "
          "function; off: in that of llmc")
      ->check(CLI::IsMember({"on", "off"}))
      ->default_str("on");
  command
      .add_option("--plugin-timeout", options.timeoutSeconds,
                  options.timeoutSeconds
                      ? fmt::format("Seconds that one call into a plugin may take; {} without it",
                                    *options.timeoutSeconds)
                      : "Seconds that one call into a plugin may take; without it any number")
      ->check(checkCount32)
      ->type_name("SECONDS");
  command.parse_complete_callback([&command, &options] {
    if (!options.on && command.count("--plugin-timeout"))
      throw InputError("--plugin-timeout has no effect with --plugin-isolation=off: who does not "
                       "return in llmc's own process cannot be ended; leave one of them out");
  });
}

} // namespace llmc
