// What the example needs of a board.
#ifndef LLMC_EXAMPLES_BOARD_H
#define LLMC_EXAMPLES_BOARD_H

#include <stddef.h>
#include <stdint.h>

namespace board {

/// Memory for regions of a plan. `fast` is where activations go.
struct Memory {
  uint8_t *base;
  size_t size;
};

extern const char name[];

/// The plan file in flash, and the bytes that may belong to it.
const uint8_t *flash();
size_t flashBytes();
Memory fastMemory();
Memory largeMemory();
/// What the stack has left for kernels, other calls aside.
uint32_t kernelStackBytes();
/// Marks the free stack; stackUsed() then tells how much of it was ever used.
void markStack();
uint32_t stackUsed();

void put(char c);
/// Since the board was started; 0 where there is no clock. `ticksPerSecond` says what one is.
uint64_t ticks();
[[noreturn]] void finish(int code);

} // namespace board

/// The program itself, called when the board's memories and floating point are ready.
int run();

#endif
