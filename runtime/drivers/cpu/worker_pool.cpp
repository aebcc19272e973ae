#include "runtime/drivers/cpu/worker_pool.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <pthread.h>
#include <system_error>

#if defined(__linux__)
#include <sched.h>
#endif

namespace llmc::rt::cpu {

namespace {

std::vector<uint32_t> allowedCpus() {
  std::vector<uint32_t> cpus;
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0)
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set))
        cpus.push_back(cpu);
#endif
  for (uint32_t cpu = 0; cpus.empty() && cpu < std::thread::hardware_concurrency(); ++cpu)
    cpus.push_back(cpu);
  return cpus;
}

/// Signals are for the program's own threads: what is started meanwhile is born with all blocked.
class SignalsBlocked {
public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }

private:
  sigset_t before;
};

} // namespace

uint32_t availableCpus() { return std::max<uint32_t>(1, uint32_t(allowedCpus().size())); }

std::unique_ptr<WorkerPool> WorkerPool::create(const PoolOptions &options, std::string &error) {
  if (options.threads < 1 || options.threads > maxThreads) {
    error = std::to_string(options.threads) + " threads: give 1 to " + std::to_string(maxThreads);
    return nullptr;
  }
  std::unique_ptr<WorkerPool> pool(new WorkerPool(options));
  if (!pool->start(options.threads, error) || (options.pin && !pool->pinWorkers(error)))
    return nullptr;
  return pool;
}

WorkerPool::WorkerPool(const PoolOptions &options)
    : spin(options.threads > availableCpus() ? std::chrono::nanoseconds(0) : options.spin) {}

bool WorkerPool::start(uint32_t threads, std::string &error) {
  const SignalsBlocked blocked;
  workers.reserve(threads - 1);
  try {
    for (uint32_t part = 1; part < threads; ++part)
      workers.emplace_back([this, part, threads] { work(part, threads); });
  } catch (const std::system_error &problem) {
    error = "cannot start thread " + std::to_string(workers.size() + 2) + " of " +
            std::to_string(threads) + ": " + problem.code().message() + "; give fewer threads";
    return false;
  }
  return true;
}

bool WorkerPool::pinWorkers(std::string &error) {
#if defined(__linux__)
  // The first CPU is left to the caller, who is not this pool's to bind.
  const std::vector<uint32_t> cpus = allowedCpus();
  for (size_t i = 0; i < workers.size(); ++i) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpus[(i + 1) % cpus.size()], &set);
    const int problem = ::pthread_setaffinity_np(workers[i].native_handle(), sizeof(set), &set);
    if (problem != 0) {
      error =
          "cannot bind thread " + std::to_string(i + 2) + " to a CPU: " + std::strerror(problem);
      return false;
    }
  }
  return true;
#else
  error = "threads cannot be bound to CPUs on this system";
  return false;
#endif
}

WorkerPool::~WorkerPool() {
  task = nullptr;
  begun.open(++round);
  for (std::thread &worker : workers)
    worker.join();
}

void WorkerPool::run(Task newTask, void *newContext) {
  const uint32_t parts = threads();
  if (parts == 1)
    return newTask(newContext, 0, 1);
  task = newTask;
  context = newContext;
  running.store(parts - 1, std::memory_order_relaxed);
  const uint32_t before = round++;
  begun.open(round);
  newTask(newContext, 0, parts);
  finished.awaitChange(before, spin);
}

void WorkerPool::work(uint32_t part, uint32_t parts) {
  for (uint32_t seen = 0;; ++seen) {
    begun.awaitChange(seen, spin);
    if (!task)
      return;
    task(context, part, parts);
    // Opened with the round this worker took part in: the caller cannot be further.
    if (running.fetch_sub(1, std::memory_order_acq_rel) == 1)
      finished.open(seen + 1);
  }
}

} // namespace llmc::rt::cpu
