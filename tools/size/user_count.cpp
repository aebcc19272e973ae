// Counts instructions on the mps3-an547 in QEMU: of opening a plan, and of its dispatches. Prints
// two numbers over semihosting; exit code 0 where all went well.
#include "runtime/exec/session.h"
#include "runtime/plan/source.h"

using namespace llmc::rt;

extern "C" {
extern uint64_t bssBegin[], bssEnd[], stackTop[];
extern const uint8_t planBegin[], planEnd[];
}

namespace {

uint32_t semihosting(uint32_t operation, const void *argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

[[noreturn]] void finish(uint32_t code) {
  const uint32_t argument[2] = {0x20026, code}; // application exit
  semihosting(0x20, argument);
  for (;;) {
  }
}

void print(const char *name, uint32_t value) {
  char text[12];
  char *at = text + sizeof(text);
  *--at = 0;
  *--at = '\n';
  do
    *--at = char('0' + value % 10);
  while (value /= 10);
  semihosting(4, name);
  semihosting(4, at);
}

// SysTick counts down at 32 MHz; tools/runtime-size makes an instruction 128 ns, that is 4.096
// ticks.
volatile uint32_t *const sysTick = reinterpret_cast<volatile uint32_t *>(0xE000E010);

template <class Work> uint32_t instructions(Work work) {
  sysTick[1] = 0xFFFFFF;
  sysTick[2] = 0;
  sysTick[0] = 5;
  uint32_t before = sysTick[2];
  work();
  uint32_t ticks = (before - sysTick[2]) & 0xFFFFFF;
  return uint32_t(uint64_t(ticks) * 1000 / 4096);
}

llmc_status matchAny(void *, const llmc_target_info *) { return Status(); }
uint32_t submitted = 0;
llmc_status submitNothing(void *, const llmc_dispatch *) {
  ++submitted;
  return Status();
}
llmc_status pollNothing(void *, uint32_t, uint32_t) { return Status(); }

Plan plan;
Session session;
alignas(64) uint8_t arena[65536];

uint32_t countAll() {
  llmc_source source = memorySource(planBegin, uint64_t(planEnd - planBegin));
  Status status;
  uint32_t nothing = instructions([] {});
  uint32_t opening = instructions([&] { status = Plan::open(source, {}, &plan); });
  if (!status.ok())
    return status.code;
  llmc_device device = {};
  device.struct_size = sizeof(device);
  device.abi = LLMC_DEVICE_ABI;
  device.match = matchAny;
  device.submit = submitNothing;
  device.poll = pollNothing;
  const llmc_device *devices[] = {&device};
  llmc_memory memories[] = {{arena, sizeof(arena)}, {arena + 32768, 32768}};
  Bindings bindings;
  bindings.devices = devices;
  bindings.memories = memories;
  status = session.bind(plan, bindings);
  Call call;
  call.nTokens = 1;
  uint32_t running = instructions([&] {
    if (status.ok())
      status = session.run(call);
  });
  if (!status.ok())
    return status.code;
  print("open ", opening - nothing);
  print("run ", running - nothing);
  print("dispatches ", submitted);
  print("session ", sizeof(Session));
  print("plan ", sizeof(Plan));
  return 0;
}

} // namespace

extern "C" [[noreturn]] void start() {
  *reinterpret_cast<volatile uint32_t *>(0xE000ED88) |= 0xFu << 20; // CPACR: floating point and MVE
  __asm__ volatile("dsb; isb" ::: "memory");
  for (uint64_t *word = bssBegin; word < bssEnd; ++word)
    *word = 0;
  finish(countAll());
}

extern "C" [[noreturn]] void fault() { finish(255); }

__attribute__((section(".vectors"), used)) void (*const vectors[16])() = {
    reinterpret_cast<void (*)()>(stackTop),
    start,
    fault,
    fault,
    fault,
    fault,
    fault,
    fault,
    0,
    0,
    0,
    fault,
    fault,
    0,
    fault,
    fault};
