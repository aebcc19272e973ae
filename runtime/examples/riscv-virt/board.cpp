// QEMU's virt with one RV32IMC core, machine mode, no operating system. The plan lies in RAM that
// stands for flash.
#include "console.h"
#include "semihosting.h"

extern "C" uint32_t __bss[], __ebss[]; // from the linker script

namespace board {

const char name[] = "virt, RV32IMC";

/// The 16550's transmitter; the emulated one is always ready.
void put(char c) { *reinterpret_cast<volatile uint8_t *>(0x10000000) = uint8_t(c); }

/// Instructions, where the emulator counts them.
uint64_t ticks() {
  for (;;) {
    uint32_t high, low, again;
    __asm__ volatile(
        ".option arch, +zicsr\ncsrr %0, minstreth\ncsrr %1, minstret\ncsrr %2, minstreth"
        : "=r"(high), "=r"(low), "=r"(again));
    if (high == again)
      return uint64_t(high) << 32 | low;
  }
}

void finish(int code) { semihosting::exit(code); }

} // namespace board

extern "C" [[noreturn]] void start() {
  for (uint32_t *to = __bss; to < __ebss; ++to)
    *to = 0;
  board::finish(run());
}

extern "C" [[noreturn]] void fault(uint32_t cause, uint32_t pc, uint32_t value) {
  console::text("\nfault: cause ");
  console::number(cause);
  console::text(", pc 0x");
  console::number(pc, 16);
  console::text(", value 0x");
  console::number(value, 16);
  console::text("\n");
  board::finish(3);
}

__asm__(".section .start, \"ax\"\n"
        ".option arch, +zicsr\n"
        ".globl _start\n"
        "_start:\n"
        "  la sp, __stack\n"
        "  la t0, trap\n"
        "  csrw mtvec, t0\n"
        "  call start\n"
        ".balign 4\n"
        "trap:\n"
        "  csrr a0, mcause\n"
        "  csrr a1, mepc\n"
        "  csrr a2, mtval\n"
        "  call fault\n"
        ".text\n");
