// The memories that every board's linker script defines.
#include "board.h"

extern "C" {
extern uint8_t __fast[], __fast_end[], __large[], __large_end[], __flash[];
extern uint8_t __stack[];
extern char __stack_bytes[], __flash_bytes[];
}

namespace {

constexpr uint8_t mark = 0xA5;

uintptr_t stackBytes() { return reinterpret_cast<uintptr_t>(__stack_bytes); }
uint8_t *stackEnd() { return __stack - stackBytes(); }

} // namespace

namespace board {

const uint8_t *flash() { return __flash; }
size_t flashBytes() { return reinterpret_cast<size_t>(__flash_bytes); }
Memory fastMemory() { return {__fast, size_t(__fast_end - __fast)}; }
Memory largeMemory() { return {__large, size_t(__large_end - __large)}; }
/// The other half is for the runtime and the program.
uint32_t kernelStackBytes() { return uint32_t(stackBytes() / 2); }

void markStack() {
  constexpr uintptr_t own = 256; // This function's frame, and what an interrupt may put below it.
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - own;
  for (volatile uint8_t *byte = stackEnd(); reinterpret_cast<uintptr_t>(byte) < here; ++byte)
    *byte = mark;
}

uint32_t stackUsed() {
  const volatile uint8_t *byte = stackEnd();
  while (byte < __stack && *byte == mark)
    ++byte;
  return uint32_t(__stack - byte);
}

} // namespace board
