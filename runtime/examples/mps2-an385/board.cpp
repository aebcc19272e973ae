// MPS2 with image AN385: Cortex-M3. Code in the first ZBT SRAM, stack and regions in the second,
// the plan in PSRAM that stands for flash.
#include "cortexm.h"

using namespace cortexm;

namespace {

using Console = Uart<0x40004000>;

} // namespace

namespace board {

const char name[] = "mps2-an385, Cortex-M3";
void put(char c) { Console::put(c); }
uint64_t ticks() { return cortexm::ticks(); }
void finish(int code) { semihosting::exit(code); }

} // namespace board

extern "C" [[noreturn]] void start() {
  initMemory();
  Console::start();
  startTimer();
  board::finish(run());
}

using Handler = void (*)();
extern "C" const Handler vectors[]
    __attribute__((section(".vectors"), used)) = {reinterpret_cast<Handler>(__stack),
                                                  start,
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
