// A few threads that run the parts of one kernel at a time. Belongs to the host program; the
// runtime knows nothing of it.
#ifndef LLMC_RUNTIME_DRIVERS_CPU_WORKER_POOL_H
#define LLMC_RUNTIME_DRIVERS_CPU_WORKER_POOL_H

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/drivers/cpu/gate.h"

namespace llmc::rt::cpu {

inline constexpr uint32_t maxThreads = 256;

struct PoolOptions {
  uint32_t threads = 1; ///< The calling one included.
  /// How long a thread without work keeps looking for some before it sleeps. Longer than what lies
  /// between two kernels. Not used where there are more threads than CPUs: then looking would take
  /// the CPU from who has work.
  std::chrono::nanoseconds spin = std::chrono::microseconds(100);
  bool pin = false; ///< Binds the workers, not the caller, to one CPU each.
};

/// CPUs this process may use.
uint32_t availableCpus();

class WorkerPool {
public:
  /// Must not throw.
  using Task = void (*)(void *context, uint32_t part, uint32_t parts);

  /// Null with one sentence in `error`.
  static std::unique_ptr<WorkerPool> create(const PoolOptions &options, std::string &error);
  WorkerPool(const WorkerPool &) = delete;
  WorkerPool &operator=(const WorkerPool &) = delete;
  ~WorkerPool();

  uint32_t threads() const { return uint32_t(workers.size()) + 1; }
  /// Calls task(context, part, threads()) for every part, part 0 on this thread, and returns when
  /// all have returned. Allocates nothing. By one thread at a time, and not from within a task.
  void run(Task task, void *context);

private:
  explicit WorkerPool(const PoolOptions &options);
  bool start(uint32_t threads, std::string &error);
  bool pinWorkers(std::string &error);
  void work(uint32_t part, uint32_t parts);

  const std::chrono::nanoseconds spin;
  std::vector<std::thread> workers;
  // Written by the caller before it opens `begun`, read by workers after.
  Task task = nullptr; // null: stop
  void *context = nullptr;
  uint32_t round = 0;
  Gate begun;    // number: the round
  Gate finished; // the same, opened by the last worker of it
  alignas(lineBytes) std::atomic<uint32_t> running{0};
};

} // namespace llmc::rt::cpu

#endif
