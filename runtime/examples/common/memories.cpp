// The memories that every board's linker script defines.
#include "board.h"

extern "C" {
extern uint8_t __fast[], __fast_end[], __large[], __large_end[], __flash[];
extern char __stack_bytes[], __flash_bytes[];
}

namespace board {

const uint8_t *flash() { return __flash; }
size_t flashBytes() { return reinterpret_cast<size_t>(__flash_bytes); }
Memory fastMemory() { return {__fast, size_t(__fast_end - __fast)}; }
Memory largeMemory() { return {__large, size_t(__large_end - __large)}; }
/// The other half is for the runtime and the program.
uint32_t kernelStackBytes() { return uint32_t(reinterpret_cast<uintptr_t>(__stack_bytes)) / 2; }

} // namespace board
