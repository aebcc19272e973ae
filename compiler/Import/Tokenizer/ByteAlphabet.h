// The printable stand-ins for bytes in the vocabulary of a byte-level tokenizer.
#ifndef LLMC_COMPILER_IMPORT_TOKENIZER_BYTEALPHABET_H
#define LLMC_COMPILER_IMPORT_TOKENIZER_BYTEALPHABET_H

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmc {

/// Bytes 21-7E, A1-AC and AE-FF stand for themselves as code points; the others are U+0100 onwards,
/// in order.
class ByteAlphabet {
public:
  ByteAlphabet();
  /// The stand-in of a byte, in UTF-8.
  const std::string &character(uint8_t byte) const { return characters[byte]; }
  /// The bytes that `text` stands for; nothing where a character is no stand-in.
  std::optional<std::string> toBytes(std::string_view text) const;

private:
  std::array<std::string, 256> characters;
  std::array<int16_t, 0x144> bytes; // by code point; -1: no stand-in
};

} // namespace llmc

#endif
