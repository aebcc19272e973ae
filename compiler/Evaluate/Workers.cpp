#include "compiler/Evaluate/Workers.h"

#include <algorithm>

namespace llmc::evaluate {

Workers::Workers(unsigned wanted) {
  const unsigned total = wanted ? wanted : std::max(1u, std::thread::hardware_concurrency());
  for (unsigned i = 1; i < total; ++i)
    threads.emplace_back([this] { serve(); });
}

Workers::~Workers() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopping = true;
  }
  wake.notify_all();
  for (std::thread &thread : threads)
    thread.join();
}

/// Takes iterations until none is left. Entered and left with the lock held.
void Workers::drain(std::unique_lock<std::mutex> &lock) {
  ++running;
  while (next < count) {
    const uint32_t index = next++;
    const auto &work = *body;
    lock.unlock();
    work(index);
    lock.lock();
  }
  --running;
}

void Workers::serve() {
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    wake.wait(lock, [this] { return stopping || next < count; });
    if (stopping)
      return;
    drain(lock);
    if (running == 0)
      finished.notify_one();
  }
}

void Workers::forEach(uint32_t total, const std::function<void(uint32_t)> &work) {
  if (threads.empty() || total < 2) {
    for (uint32_t i = 0; i < total; ++i)
      work(i);
    return;
  }
  std::unique_lock<std::mutex> lock(mutex);
  body = &work;
  next = 0;
  count = total;
  wake.notify_all();
  drain(lock);
  finished.wait(lock, [this] { return running == 0; });
  body = nullptr;
  next = count = 0;
}

} // namespace llmc::evaluate
