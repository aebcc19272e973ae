// Ending the emulator with an exit code: semihosting's SYS_EXIT_EXTENDED.
#ifndef LLMC_EXAMPLES_SEMIHOSTING_H
#define LLMC_EXAMPLES_SEMIHOSTING_H

#include <stdint.h>

namespace semihosting {

inline void call(uintptr_t operation, const void *argument) {
#if defined(__riscv)
  register uintptr_t a0 __asm__("a0") = operation;
  register const void *a1 __asm__("a1") = argument;
  __asm__ volatile(".option push\n.option norvc\n.balign 16\n"
                   "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                   : "+r"(a0)
                   : "r"(a1)
                   : "memory");
#else
  register uintptr_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
#endif
}

[[noreturn]] inline void exit(int code) {
  constexpr uintptr_t exitExtended = 0x20, applicationExit = 0x20026;
  const uintptr_t block[2] = {applicationExit, uintptr_t(code)};
  call(exitExtended, block);
  for (;;) {
  }
}

} // namespace semihosting

#endif
