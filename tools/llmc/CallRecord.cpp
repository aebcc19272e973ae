#include "tools/llmc/CallRecord.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <new>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace llmc {

namespace {

/// A text of bounded length, cut where it is longer.
template <size_t capacity> struct Text {
  char bytes[capacity];

  void set(std::string_view text) {
    const size_t size = std::min(text.size(), capacity - 1);
    std::memcpy(bytes, text.data(), size);
    bytes[size] = 0;
  }
  std::string get() const { return {bytes, strnlen(bytes, capacity)}; }
};

} // namespace

struct CallRecord::Shared {
  std::atomic<uint64_t> call{0};
  std::atomic<State> state{State::Outside};
  std::atomic<bool> loaded{false};
  Text<4096> owner{};
  Text<64> function{};
  Text<1024> thrown{};
  Text<512> check{};
};

static void *sharedMemory(size_t bytes) {
  void *memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, /*fd=*/-1, 0);
  if (memory == MAP_FAILED)
    throw std::runtime_error(fmt::format("no shared memory: {}", std::strerror(errno)));
  return memory;
}

/// Never unmapped: exit handlers write to it.
CallRecord::CallRecord() : shared(*new (sharedMemory(sizeof(Shared))) Shared) {}

CallRecord::~CallRecord() {
  if (shared.call != 0)
    enter(shared.loaded ? plugins : shared.owner.get(), "its destructors");
  shared.state = State::Ending;
}

void CallRecord::enter(std::string_view owner, std::string_view function) {
  ++shared.call; // A reader takes names for those of the call that it saw before and after.
  shared.owner.set(owner);
  shared.function.set(function);
  shared.thrown.set("");
  shared.state = State::Plugin;
}

void CallRecord::leave() { shared.state = State::Outside; }
void CallRecord::enterHost() { shared.state = State::Host; }
void CallRecord::leaveHost() { shared.state = State::Plugin; }

void CallRecord::end(const target::PluginError &broken) {
  shared.thrown.set(broken.reason);
  shared.state = State::Plugin;
  std::fflush(nullptr);
  _exit(1);
}

void CallRecord::setLoaded(const std::vector<std::string> &paths) {
  plugins = fmt::format("plugin{} '{}'", paths.size() == 1 ? "" : "s", fmt::join(paths, "', '"));
  shared.loaded = true;
}

void CallRecord::setCheck(std::string_view check) { shared.check.set(check); }

CallRecord::Reading CallRecord::read() const {
  Reading reading;
  reading.call = shared.call;
  reading.state = shared.state;
  reading.loaded = shared.loaded;
  reading.owner = shared.owner.get();
  reading.function = shared.function.get();
  reading.thrown = shared.thrown.get();
  reading.check = shared.check.get();
  if (shared.call != reading.call)
    reading.state = State::Outside;
  return reading;
}

CallClock::Milliseconds CallClock::tick(const CallRecord::Reading &reading, Milliseconds elapsed) {
  using State = CallRecord::State;
  if (reading.call != call || reading.state == State::Outside)
    spent = Milliseconds(0);
  else if (reading.state != State::Host)
    spent += elapsed;
  call = reading.call;
  return spent;
}

} // namespace llmc
