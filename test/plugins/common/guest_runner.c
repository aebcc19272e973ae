/* The guest: a static program without a C library. Its argument is the number of an open file, the
 * shared memory. */
#include "guest_call.h"

typedef unsigned long word;
typedef void kernel(void *const *operands, const uint32_t *params, uint32_t part, uint32_t parts);

enum { READ = 63, WRITE = 64, EXIT_GROUP = 94, MUNMAP = 215, MMAP = 222, MPROTECT = 226 };
enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, MAP_SHARED = 1, MAP_PRIVATE_ANONYMOUS = 0x22 };

#if defined(__hexagon__)
static word ask(word n, word a, word b, word c, word d, word e, word f) {
  register word r6 __asm__("r6") = n, r0 __asm__("r0") = a, r1 __asm__("r1") = b;
  register word r2 __asm__("r2") = c, r3 __asm__("r3") = d, r4 __asm__("r4") = e;
  register word r5 __asm__("r5") = f;
  __asm__ volatile("trap0(#1)"
                   : "+r"(r0)
                   : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r6)
                   : "memory");
  return r0;
}
__asm__(".globl _start\n_start:\n { r0 = r29 }\n { r29 = and(r29,#-128) }\n { call run }\n");
#elif defined(__aarch64__)
static word ask(word n, word a, word b, word c, word d, word e, word f) {
  register word x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
  register word x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;
  register word x5 __asm__("x5") = f;
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8)
                   : "memory");
  return x0;
}
__asm__(".globl _start\n_start:\n mov x0, sp\n bl run\n");
#else
#error "a guest is Hexagon or AArch64"
#endif

_Noreturn static void leave(int code) {
  for (;;)
    ask(EXIT_GROUP, (word)code, 0, 0, 0, 0, 0);
}

static uint8_t *map(word bytes, word protection, word flags, word file) {
  const word address = ask(MMAP, 0, bytes, protection, flags, file, 0);
  if (address + GUEST_PAGE < GUEST_PAGE) /* the last page of addresses are errors */
    leave(3);
  return (uint8_t *)address;
}

static void synchronize(uint8_t *code, word bytes) {
#if defined(__aarch64__)
  for (word at = (word)code & ~(word)15; at < (word)code + bytes; at += 16)
    __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0" ::"r"(at) : "memory");
  __asm__ volatile("dsb ish\n isb" ::: "memory");
#else
  (void)code, (void)bytes;
#endif
}

struct blob {
  uint8_t *pages, *code;
  word bytes;
};

static void load(uint8_t *shared, const guest_call *call, struct blob *blob) {
  const word alignment = call->alignment, size = (word)call->code_bytes;
  if (blob->bytes != 0)
    ask(MUNMAP, (word)blob->pages, blob->bytes, 0, 0, 0, 0);
  blob->bytes = (size + alignment + GUEST_PAGE) & ~(word)(GUEST_PAGE - 1);
  blob->pages = map(blob->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, (word)-1);
  blob->code = (uint8_t *)(((word)blob->pages + alignment - 1) & ~(alignment - 1));
  for (word i = 0; i < size; ++i)
    ((volatile uint8_t *)blob->code)[i] = shared[call->code + i];
  if (ask(MPROTECT, (word)blob->pages, blob->bytes, PROT_READ | PROT_EXEC, 0, 0, 0) != 0)
    leave(4);
  synchronize(blob->code, size);
}

static void execute(uint8_t *shared, const guest_call *call, const uint8_t *code) {
  void *operands[GUEST_OPERANDS];
  for (uint32_t i = 0; i < call->n_operands; ++i)
    operands[i] = shared + call->operands[i];
  kernel *const run = (kernel *)(word)(code + call->entry);
  for (uint32_t part = call->parts; part-- > 0;)
    run(operands, call->params, part, call->parts);
}

__attribute__((used)) void run(const word *stack) {
  static struct blob blobs[GUEST_BLOBS];
  word file = 0;
  for (const char *digit = (const char *)stack[2]; *digit != 0; ++digit)
    file = file * 10 + (word)(*digit - '0');
  const guest_call *call = (const guest_call *)map(GUEST_PAGE, PROT_READ, MAP_SHARED, file);
  uint8_t *const shared = map((word)call->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file);
  for (uint8_t byte; ask(READ, 0, (word)&byte, 1, 0, 0, 0) == 1;) {
    if (call->blob >= GUEST_BLOBS || call->n_operands > GUEST_OPERANDS)
      leave(5);
    if (call->task == GUEST_LOAD)
      load(shared, call, &blobs[call->blob]);
    else
      execute(shared, call, blobs[call->blob].code);
    if (ask(WRITE, 1, (word)&byte, 1, 0, 0, 0) != 1)
      break;
  }
  leave(0);
}
