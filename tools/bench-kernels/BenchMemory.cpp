#include "tools/bench-kernels/BenchMemory.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace llmc::bench {

void fail(const std::string &what) {
  std::fprintf(stderr, "llvm-kernel-benchmark: %s\n", what.c_str());
  std::exit(2);
}

uint8_t *mapped(size_t bytes) {
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    fail("no memory for " + std::to_string(bytes) + " bytes");
  return static_cast<uint8_t *>(memory);
}

uint8_t *pool() {
  static uint8_t *const memory = [] {
    uint8_t *bytes = mapped(poolBytes);
    madvise(bytes, poolBytes, MADV_HUGEPAGE);
    std::memset(bytes, 0x3c, poolBytes);
    return bytes;
  }();
  return memory;
}

uint8_t *placed(const target::Blob &blob) {
  uint8_t *code = mapped(blob.bytes.size());
  std::memcpy(code, blob.bytes.data(), blob.bytes.size());
  mprotect(code, blob.bytes.size(), PROT_READ | PROT_EXEC);
  return code;
}

} // namespace llmc::bench
