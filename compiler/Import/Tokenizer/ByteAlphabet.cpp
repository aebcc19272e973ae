#include "compiler/Import/Tokenizer/ByteAlphabet.h"

#include "runtime/tokenizer/utf8.h"

namespace llmc {

ByteAlphabet::ByteAlphabet() {
  bytes.fill(-1);
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    const uint32_t codePoint = itself ? byte : next++;
    bytes[codePoint] = static_cast<int16_t>(byte);
    if (codePoint < 0x80)
      characters[byte] = {static_cast<char>(codePoint)};
    else
      characters[byte] = {static_cast<char>(0xC0 | codePoint >> 6),
                          static_cast<char>(0x80 | (codePoint & 0x3F))};
  }
}

std::optional<std::string> ByteAlphabet::toBytes(std::string_view text) const {
  std::string result;
  const auto *data = reinterpret_cast<const uint8_t *>(text.data());
  for (size_t at = 0; at < text.size();) {
    const rt::tok::Utf8Char c = rt::tok::readUtf8(data + at, text.size() - at);
    if (c.state != rt::tok::Utf8State::Valid || c.codePoint >= bytes.size() ||
        bytes[c.codePoint] < 0)
      return std::nullopt;
    result.push_back(static_cast<char>(bytes[c.codePoint]));
    at += c.bytes;
  }
  return result;
}

} // namespace llmc
