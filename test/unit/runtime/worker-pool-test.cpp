// The worker pool: every part once, nothing allocated, with and without sleep in between.
#include "runtime/drivers/cpu/worker_pool.h"

#include "catch2/catch.hpp"
#include <csignal>
#include <cstdlib>
#include <new>
#include <pthread.h>

// Sanitizers bring their own operator new.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define LLMC_COUNTS_ALLOCATIONS 0
#endif
#elif defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define LLMC_COUNTS_ALLOCATIONS 0
#endif
#ifndef LLMC_COUNTS_ALLOCATIONS
#define LLMC_COUNTS_ALLOCATIONS 1
#endif

using namespace llmc::rt::cpu;
using Catch::Matchers::Contains;

namespace {

std::unique_ptr<WorkerPool> make(const PoolOptions &options) {
  std::string error;
  auto pool = WorkerPool::create(options, error);
  INFO(error);
  REQUIRE(pool);
  return pool;
}

PoolOptions threads(uint32_t count) {
  PoolOptions options;
  options.threads = count;
  return options;
}

/// Plain numbers, one line per part: a part that ran twice, never, or is not seen after run shows.
struct Tally {
  struct alignas(lineBytes) Line {
    uint64_t runs = 0;
    uint32_t parts = 0;
  };
  Line lines[8];

  static void count(void *context, uint32_t part, uint32_t parts) {
    Line &line = static_cast<Tally *>(context)->lines[part];
    ++line.runs;
    line.parts = parts;
  }
  bool isAt(uint64_t round, uint32_t parts) const {
    for (uint32_t part = 0; part < 8; ++part)
      if (lines[part].runs != (part < parts ? round : 0) ||
          lines[part].parts != (part < parts ? parts : 0))
        return false;
    return true;
  }
};

/// The first round that went wrong; `rounds` where none did.
uint64_t stress(WorkerPool &pool, uint64_t rounds) {
  Tally tally;
  uint64_t round = 0;
  do {
    pool.run(Tally::count, &tally);
  } while (tally.isAt(round + 1, pool.threads()) && ++round < rounds);
  return round;
}

} // namespace

#if LLMC_COUNTS_ALLOCATIONS
namespace {
std::atomic<uint64_t> allocations{0};
}

void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size ? size : 1))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

TEST_CASE("a run allocates nothing") {
  const auto pool = make(threads(3));
  Tally tally;
  pool->run(Tally::count, &tally);
  const uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i)
    pool->run(Tally::count, &tally);
  CHECK(allocations == before);
  REQUIRE(before > 0);
}
#endif

TEST_CASE("a hundred thousand runs call every part once each") {
  CHECK(stress(*make(threads(1)), 100000) == 100000);
  CHECK(stress(*make(threads(2)), 100000) == 100000);
}

TEST_CASE("more threads than CPUs make progress") {
  CHECK(stress(*make(threads(3)), 5000) == 5000);
  CHECK(stress(*make(threads(8)), 1000) == 1000);
}

TEST_CASE("threads that sleep between runs wake up") {
  PoolOptions options = threads(2);
  options.spin = std::chrono::nanoseconds(0);
  CHECK(stress(*make(options), 10000) == 10000);
  options.spin = std::chrono::microseconds(1);
  const auto pool = make(options);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(stress(*pool, 10) == 10);
  }
}

TEST_CASE("pools come and go, used or not") {
  for (int i = 0; i < 50; ++i) {
    const auto idle = make(threads(3));
    const auto used = make(threads(2));
    CHECK(stress(*used, 3) == 3);
  }
}

TEST_CASE("the parts run on different threads, the first on the caller's") {
  const auto pool = make(threads(3));
  std::thread::id ids[3];
  pool->run(
      [](void *context, uint32_t part, uint32_t) {
        static_cast<std::thread::id *>(context)[part] = std::this_thread::get_id();
      },
      ids);
  CHECK(ids[0] == std::this_thread::get_id());
  CHECK(ids[1] != ids[0]);
  CHECK(ids[2] != ids[0]);
  CHECK(ids[1] != ids[2]);
}

#if defined(__linux__)
TEST_CASE("workers stay where they are bound, and take no signals") {
  PoolOptions options = threads(3);
  options.pin = true;
  const auto pool = make(options);
  struct Seen {
    int cpus[3], blocked[3];
  } seen = {};
  pool->run(
      [](void *context, uint32_t part, uint32_t) {
        cpu_set_t set;
        CPU_ZERO(&set);
        ::sched_getaffinity(0, sizeof(set), &set);
        sigset_t mask;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        static_cast<Seen *>(context)->cpus[part] = CPU_COUNT(&set);
        static_cast<Seen *>(context)->blocked[part] = sigismember(&mask, SIGINT);
      },
      &seen);
  CHECK(seen.cpus[0] == int(availableCpus()));
  CHECK(seen.cpus[1] == 1);
  CHECK(seen.cpus[2] == 1);
  CHECK(seen.blocked[0] == 0);
  CHECK(seen.blocked[1] == 1);
  CHECK(seen.blocked[2] == 1);
}
#endif

TEST_CASE("numbers of threads outside the limits are refused") {
  std::string error;
  CHECK_FALSE(WorkerPool::create(threads(0), error));
  CHECK(error == "0 threads: give 1 to 256");
  CHECK_FALSE(WorkerPool::create(threads(257), error));
  CHECK(error == "257 threads: give 1 to 256");
}
