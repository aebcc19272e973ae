// Reads one character of UTF-8, strictly: no overlong forms, no surrogates, nothing past U+10FFFF.
#ifndef LLMC_RUNTIME_TOKENIZER_UTF8_H
#define LLMC_RUNTIME_TOKENIZER_UTF8_H

#include <stddef.h>
#include <stdint.h>

namespace llmc::rt::tok {

enum class Utf8State : uint8_t { Valid, Incomplete, Invalid };

struct Utf8Char {
  uint32_t codePoint = 0;
  uint32_t bytes =
      1; // Valid: its length. Invalid: the bytes that cannot be continued (at least 1).
  Utf8State state = Utf8State::Invalid;
};

/// Bytes that a sequence starting with `lead` has; 0 where none starts so.
constexpr uint32_t utf8Length(uint8_t lead) {
  if (lead < 0x80)
    return 1;
  if (lead >= 0xC2 && lead <= 0xDF)
    return 2;
  if (lead >= 0xE0 && lead <= 0xEF)
    return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

/// Whether `byte` may follow at position `at` (1 to 3) of a sequence that starts with `lead`.
constexpr bool utf8Continues(uint8_t lead, uint32_t at, uint8_t byte) {
  uint8_t low = 0x80, high = 0xBF;
  if (at == 1) {
    low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  }
  return byte >= low && byte <= high;
}

/// The character at `p`, of which `size` > 0 bytes may be read. Incomplete: all `size` bytes are a
/// proper prefix.
constexpr Utf8Char readUtf8(const uint8_t *p, size_t size) {
  const uint8_t lead = p[0];
  if (lead < 0x80)
    return {lead, 1, Utf8State::Valid};
  const uint32_t length = utf8Length(lead);
  if (length == 0)
    return {};
  uint32_t codePoint = lead & (0x7Fu >> length);
  for (uint32_t i = 1; i < length; ++i) {
    if (i == size)
      return {0, i, Utf8State::Incomplete};
    if (!utf8Continues(lead, i, p[i]))
      return {0, i, Utf8State::Invalid};
    codePoint = codePoint << 6 | (p[i] & 0x3Fu);
  }
  return {codePoint, length, Utf8State::Valid};
}

} // namespace llmc::rt::tok

#endif
