// A kernel blob: position-independent code and constants that need neither relocation nor loader.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llmc::target {

/// The largest alignment of a blob's load address.
constexpr uint32_t kMostBlobAlignment = 4096;

struct BlobEntry {
  std::string name;
  uint32_t offset = 0; ///< Bytes from the blob's start. Bit 0 is set where the instruction set asks
                       ///< for it (Thumb).
  uint32_t stackBytes = 0; ///< The most it takes; 0: not known.
  bool operator==(const BlobEntry &) const = default;
};

struct Blob {
  std::vector<uint8_t> bytes;
  uint32_t alignment = 1;         ///< Of the load address.
  std::vector<BlobEntry> entries; ///< In the order of the modules and of their functions.
};

} // namespace llmc::target
