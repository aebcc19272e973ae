#include "test/unit/tools/CountedAllocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

static std::atomic<uint64_t> count{0};

uint64_t llmc::test::allocations() { return count; }

void *operator new(size_t size) {
  ++count;
  if (void *memory = std::malloc(size ? size : 1))
    return memory;
  std::abort();
}

void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
