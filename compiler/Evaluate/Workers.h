// A small pool of threads for loops whose iterations write disjoint results.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace llmc::evaluate {

class Workers {
public:
  /// `threads` counts the caller; 0 takes what the machine has.
  explicit Workers(unsigned threads = 0);
  ~Workers();
  Workers(const Workers &) = delete;
  Workers &operator=(const Workers &) = delete;

  unsigned threadCount() const { return static_cast<unsigned>(threads.size()) + 1; }

  /// Calls body(i) once for every i < count, in any order and on any thread; returns when all are
  /// done. Results must not depend on who runs what. Not reentrant: one loop at a time.
  void forEach(uint32_t count, const std::function<void(uint32_t)> &body);

private:
  void serve();
  void drain(std::unique_lock<std::mutex> &lock);

  std::mutex mutex;
  std::condition_variable wake, finished;
  std::vector<std::thread> threads;
  const std::function<void(uint32_t)> *body = nullptr;
  uint32_t next = 0, count = 0, running = 0;
  bool stopping = false;
};

} // namespace llmc::evaluate
