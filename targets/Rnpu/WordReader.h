// Reading of little-endian words from a range of a blob that nobody has checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <string>

namespace llmc::rnpu {

inline uint32_t loadWord(const uint8_t *at) {
  return uint32_t(at[0]) | uint32_t(at[1]) << 8 | uint32_t(at[2]) << 16 | uint32_t(at[3]) << 24;
}

/// Words of [offset, end) of the blob. After the first failure every read gives 0 and `error`
/// stays.
class WordReader {
public:
  WordReader(const uint8_t *blob, size_t offset, size_t end, std::string &error)
      : blob(blob), offset(offset), end(end), error(error) {}

  bool ok() const { return error.empty(); }
  size_t position() const { return offset; }
  bool atEnd() const { return offset == end; }

  void fail(const std::string &text) {
    if (error.empty())
      error = fmt::format("byte {}: {}", offset, text);
  }

  uint32_t word() {
    if (!ok() || end - offset < 4) {
      fail("the list or command ends early");
      return 0;
    }
    offset += 4;
    return loadWord(blob + offset - 4);
  }

  uint64_t word64() {
    uint64_t low = word();
    return low | uint64_t(word()) << 32;
  }

  /// Text of `size` bytes, padded with zeros to a word.
  std::string text(size_t size) {
    size_t padded = (size + 3) & ~size_t(3);
    if (!ok() || end - offset < padded) {
      fail("a name ends early");
      return {};
    }
    std::string result(reinterpret_cast<const char *>(blob + offset), size);
    for (size_t i = size; i < padded; ++i)
      if (blob[offset + i] != 0)
        fail("padding of a name is not 0");
    offset += padded;
    return result;
  }

  /// Bits [low, low+width) of a word; the caller states which bits must be 0.
  void expectZero(uint32_t bits, const char *what) {
    if (bits != 0)
      fail(fmt::format("reserved bits of the {} are set", what));
  }

private:
  const uint8_t *blob;
  size_t offset, end;
  std::string &error;
};

} // namespace llmc::rnpu
