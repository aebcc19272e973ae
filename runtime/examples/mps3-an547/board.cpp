// MPS3 with image AN547: Cortex-M55. Code in ITCM, stack and activations in DTCM, KV and results in
// SRAM, the plan in the DDR window that stands for flash. Addresses are those of the secure side,
// which the core starts in.
#include "cortexm.h"

using namespace cortexm;

namespace {

using Console = Uart<0x59303000>;

} // namespace

namespace board {

const char name[] = "mps3-an547, Cortex-M55";
void put(char c) { Console::put(c); }
uint64_t ticks() { return cortexm::ticks(); }
void finish(int code) { semihosting::exit(code); }

} // namespace board

extern "C" [[noreturn]] __attribute__((used)) void start() {
  initMemory();
  Console::start();
  startTimer();
  board::finish(run());
}

/// Compilers may use a vector register anywhere: floating point and Helium come first (CPACR).
extern "C" [[noreturn]] __attribute__((naked)) void reset() {
  __asm__ volatile("movw r0, #0xED88\n"
                   "movt r0, #0xE000\n"
                   "ldr r1, [r0]\n"
                   "orr r1, r1, #0xF00000\n"
                   "str r1, [r0]\n"
                   "dsb\n"
                   "isb\n"
                   "b start");
}

using Handler = void (*)();
extern "C" const Handler vectors[]
    __attribute__((section(".vectors"), used)) = {reinterpret_cast<Handler>(__stack),
                                                  reset,
                                                  fault,
                                                  fault,
                                                  fault,
                                                  fault,
                                                  fault,
                                                  fault,
                                                  nullptr,
                                                  nullptr,
                                                  nullptr,
                                                  fault,
                                                  nullptr,
                                                  nullptr,
                                                  fault,
                                                  tick};
