// Copies, clears and compares bytes: a few instructions each, where a C library's functions take
// hundreds. Compilers make a library's call or a vector loop of them where that is wanted.
#ifndef LLMC_RUNTIME_BASE_BYTES_H
#define LLMC_RUNTIME_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

namespace llmc::rt {

/// The two ranges share no byte.
[[gnu::noinline]] inline void copyBytes(void *__restrict to, const void *__restrict from,
                                        size_t n) {
  uint8_t *out = static_cast<uint8_t *>(to);
  const uint8_t *in = static_cast<const uint8_t *>(from);
  for (size_t i = 0; i < n; ++i)
    out[i] = in[i];
}

/// The two ranges may share bytes.
[[gnu::noinline]] inline void moveBytes(void *to, const void *from, size_t n) {
#ifdef __OPTIMIZE_SIZE__
  uint8_t *out = static_cast<uint8_t *>(to);
  const uint8_t *in = static_cast<const uint8_t *>(from);
  if (out <= in)
    for (size_t i = 0; i < n; ++i)
      out[i] = in[i];
  else
    while (n--)
      out[n] = in[n];
#else
  __builtin_memmove(to, from, n);
#endif
}

[[gnu::noinline]] inline void clearBytes(void *to, size_t n) {
  uint8_t *out = static_cast<uint8_t *>(to);
  for (size_t i = 0; i < n; ++i)
    out[i] = 0;
}

/// Takes the same time wherever they differ.
[[gnu::noinline]] inline bool sameBytes(const void *a, const void *b, size_t n) {
  const uint8_t *one = static_cast<const uint8_t *>(a), *other = static_cast<const uint8_t *>(b);
  uint8_t difference = 0;
  for (size_t i = 0; i < n; ++i)
    difference |= one[i] ^ other[i];
  return difference == 0;
}

} // namespace llmc::rt

#endif
