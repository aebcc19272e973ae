// Text and numbers to the board's console.
#ifndef LLMC_EXAMPLES_CONSOLE_H
#define LLMC_EXAMPLES_CONSOLE_H

#include "board.h"

#include "runtime/base/status.h"

namespace console {

inline void text(const char *string) {
  while (*string)
    board::put(*string++);
}

inline void bytes(const uint8_t *data, size_t size) {
  for (size_t i = 0; i < size; ++i)
    board::put(char(data[i]));
}

inline void number(uint64_t value, unsigned base = 10) {
  char digits[24];
  unsigned count = 0;
  do {
    const unsigned digit = unsigned(value % base);
    digits[count++] = char(digit < 10 ? '0' + digit : 'a' + digit - 10);
    value /= base;
  } while (value);
  while (count)
    board::put(digits[--count]);
}

/// Its three numbers.
inline void status(llmc::rt::Status status) {
  text("code ");
  number(status.code);
  text(" at ");
  number(status.where);
  text(", ");
  number(status.detail);
}

} // namespace console

#endif
