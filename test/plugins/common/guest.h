// Runs kernel blobs of another instruction set under an emulator of user programs: a child process
// that shares one file of memory with this one.
#ifndef LLMC_TEST_GUEST_H
#define LLMC_TEST_GUEST_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "guest_call.h"

namespace llmc::guest {

class Guest {
public:
  /// `command` is the emulator with its options and the runner. `bytes` of memory can be had by
  /// place(). It ends with the thread that called this. Null with one sentence in `error`.
  static std::unique_ptr<Guest> start(const std::vector<std::string> &command, uint64_t bytes,
                                      std::string &error);
  ~Guest();
  Guest(const Guest &) = delete;
  Guest &operator=(const Guest &) = delete;

  /// Memory for so many bytes, as an offset that is a multiple of 4096 and less than ~0; ~0 where
  /// there is no more.
  uint64_t place(uint64_t bytes);
  /// Gives all memory back.
  void clear() { used = GUEST_PAGE; }
  uint8_t *at(uint64_t offset) { return shared + offset; }

  /// What to do, for load and execute.
  guest_call &call() { return *reinterpret_cast<guest_call *>(shared); }
  /// Makes blob `number` executable. False with one sentence in error().
  bool load(uint32_t number, const void *code, uint64_t size, uint32_t alignment);
  /// Runs the kernel that call() names.
  bool execute();
  const std::string &error() const { return text; }

private:
  Guest() = default;
  bool map(uint64_t bytes, std::string &error);
  bool ask(uint32_t task);

  uint8_t *shared = nullptr;
  uint64_t size = 0, used = GUEST_PAGE;
  int file = -1, line = -1;
  int child = -1;
  std::string text;
};

} // namespace llmc::guest

#endif
