// A number that threads wait on to change: a bounded time spinning, then asleep.
#ifndef LLMC_RUNTIME_DRIVERS_CPU_GATE_H
#define LLMC_RUNTIME_DRIVERS_CPU_GATE_H

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace llmc::rt::cpu {

/// Two cache lines: CPUs fetch neighbours in pairs.
inline constexpr size_t lineBytes = 128;

/// Tells the CPU that this is a spin loop.
inline void relaxCpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

class alignas(lineBytes) Gate {
public:
  /// What happened before `open` is visible to whoever sees the number.
  void open(uint32_t to) {
    // In one order with the sleepers' own count and look: either they see the number, or are seen.
    number.store(to, std::memory_order_seq_cst);
    if (sleepers.load(std::memory_order_seq_cst) == 0)
      return;
    const std::lock_guard<std::mutex> hold(mutex);
    wake.notify_all();
  }

  /// Returns once the number is other than `seen`.
  void awaitChange(uint32_t seen, std::chrono::nanoseconds spin) {
    if (!spinUntilChange(seen, spin))
      sleepUntilChange(seen);
  }

private:
  bool changed(uint32_t seen) const { return number.load(std::memory_order_acquire) != seen; }

  bool spinUntilChange(uint32_t seen, std::chrono::nanoseconds spin) const {
    using Clock = std::chrono::steady_clock;
    constexpr int looksPerClock = 64; // reading the clock costs more than looking
    const Clock::time_point end = Clock::now() + spin;
    do {
      for (int i = 0; i < looksPerClock; ++i) {
        if (changed(seen))
          return true;
        relaxCpu();
      }
      // On a busy machine the thread waited for may need this very CPU.
      std::this_thread::yield();
    } while (Clock::now() < end);
    return false;
  }

  void sleepUntilChange(uint32_t seen) {
    std::unique_lock<std::mutex> hold(mutex);
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    wake.wait(hold, [&] { return number.load(std::memory_order_seq_cst) != seen; });
    sleepers.fetch_sub(1, std::memory_order_relaxed);
  }

  std::atomic<uint32_t> number{0};
  std::atomic<uint32_t> sleepers{0};
  std::mutex mutex;
  std::condition_variable wake;
};

} // namespace llmc::rt::cpu

#endif
