// What it costs to fork and join: runs of parts that do nothing, by threads, and what lies between
// two runs. p50 is the figure; the mean shows how busy the machine is with other work.
#include "runtime/drivers/cpu/worker_pool.h"

#include <algorithm>
#include <benchmark/benchmark.h>

using namespace llmc::rt::cpu;

namespace {

using Clock = std::chrono::steady_clock;

void nothing(void *, uint32_t, uint32_t) {}

/// A serial stretch between two kernels.
void wait(std::chrono::nanoseconds time) {
  for (const Clock::time_point end = Clock::now() + time; Clock::now() < end;)
    relaxCpu();
}

double quantile(std::vector<double> &values, double q) {
  const auto at = values.begin() + std::ptrdiff_t(q * double(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

/// Ranges: threads; nanoseconds between two runs; 1 where idle threads sleep at once.
void forkJoin(benchmark::State &state) {
  PoolOptions options;
  options.threads = uint32_t(state.range(0));
  if (state.range(2))
    options.spin = std::chrono::nanoseconds(0);
  std::string error;
  const auto pool = WorkerPool::create(options, error);
  if (!pool) {
    state.SkipWithError(error.c_str());
    return;
  }
  std::vector<double> times;
  for (auto _ : state) {
    wait(std::chrono::nanoseconds(state.range(1)));
    const Clock::time_point start = Clock::now();
    pool->run(nothing, nullptr);
    const std::chrono::duration<double> time = Clock::now() - start;
    state.SetIterationTime(time.count());
    times.push_back(time.count() * 1e9);
  }
  state.counters["p50_ns"] = quantile(times, 0.5);
  state.counters["p99_ns"] = quantile(times, 0.99);
}

void cases(benchmark::internal::Benchmark *bench) {
  bench->ArgNames({"threads", "gap_ns", "sleep"})->UseManualTime();
  for (int64_t threads = 1; threads <= int64_t(availableCpus()); threads *= 2)
    bench->Args({threads, 0, 0})->Args({threads, 5000, 0});
  bench->Args({2, 0, 1})->Args({2, 50000, 1});
}

} // namespace

BENCHMARK(forkJoin)->Apply(cases)->Iterations(20000);
BENCHMARK_MAIN();
