// What Cortex-M boards share: start-up, the system timer, and the UART of Arm's CMSDK.
#ifndef LLMC_EXAMPLES_CORTEXM_H
#define LLMC_EXAMPLES_CORTEXM_H

#include <stdint.h>

#include "board.h"
#include "console.h"
#include "semihosting.h"

// From the linker script.
extern "C" {
extern uint32_t __data[], __edata[], __data_load[], __bss[], __ebss[];
extern char __stack[];
}

namespace cortexm {

inline volatile uint32_t &at(uintptr_t address) {
  return *reinterpret_cast<volatile uint32_t *>(address);
}

constexpr uint32_t timerTop = 0xFFFFFF;
inline volatile uint32_t timerWraps = 0;

inline void startTimer() {
  at(0xE000E014) = timerTop;
  at(0xE000E018) = 0;
  at(0xE000E010) = 7; // the core's clock, interrupt, on
}

inline uint64_t ticks() {
  for (;;) {
    const uint32_t wraps = timerWraps;
    const uint32_t now = timerTop - at(0xE000E018);
    if (wraps == timerWraps)
      return uint64_t(wraps) * (timerTop + 1) + now;
  }
}

/// CMSDK APB UART: data, state, control, interrupts, divider.
template <uintptr_t Base> struct Uart {
  static void start() {
    at(Base + 16) = 16;
    at(Base + 8) = 1;
  }
  static void put(char c) {
    while (at(Base + 4) & 1) {
    }
    at(Base) = uint8_t(c);
  }
};

inline void initMemory() {
  const uint32_t *from = __data_load;
  for (uint32_t *to = __data; to < __edata; ++to)
    *to = *from++;
  for (uint32_t *to = __bss; to < __ebss; ++to)
    *to = 0;
}

/// Handlers of the vector table.
inline void fault() {
  console::text("\nfault: CFSR 0x");
  console::number(at(0xE000ED28), 16);
  console::text(", BFAR 0x");
  console::number(at(0xE000ED38), 16);
  console::text("\n");
  board::finish(3);
}

inline void tick() { timerWraps = timerWraps + 1; }

} // namespace cortexm

#endif
