/* What compilers call by themselves and the runtime needs of a C library. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  uint8_t *out = to;
  const uint8_t *in = from;
  for (; size != 0; --size)
    *out++ = *in++;
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  uint8_t *out = to;
  const uint8_t *in = from;
  if (out <= in)
    return memcpy(to, from, size);
  while (size-- != 0)
    out[size] = in[size];
  return to;
}

void *memset(void *to, int value, size_t size) {
  uint8_t *out = to;
  for (; size != 0; --size)
    *out++ = (uint8_t)value;
  return to;
}

int memcmp(const void *left, const void *right, size_t size) {
  const uint8_t *a = left, *b = right;
  for (; size != 0; --size, ++a, ++b)
    if (*a != *b)
      return *a < *b ? -1 : 1;
  return 0;
}

#if defined(__ARM_EABI__)
/* The Arm ABI's names for them, by alignment; memset has its arguments in another order. */
#define ALIASES(SUFFIX)                                                                            \
  void __aeabi_memcpy##SUFFIX(void *to, const void *from, size_t size) { memcpy(to, from, size); } \
  void __aeabi_memmove##SUFFIX(void *to, const void *from, size_t size) {                          \
    memmove(to, from, size);                                                                       \
  }                                                                                                \
  void __aeabi_memset##SUFFIX(void *to, size_t size, int value) { memset(to, value, size); }       \
  void __aeabi_memclr##SUFFIX(void *to, size_t size) { memset(to, 0, size); }

ALIASES()
ALIASES(4)
ALIASES(8)
#endif
