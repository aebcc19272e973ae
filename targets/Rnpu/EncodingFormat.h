// Field positions of the blob, for Encode.cpp and Decode.cpp alone. docs/format/rnpu.md states the
// same in prose.
#pragma once

#include <cstdint>

namespace llmc::rnpu::format {

constexpr uint32_t magic = 0x55504e52; ///< "RNPU"

/// Words of the fixed header.
enum HeaderWord : uint32_t {
  Magic = 0,
  Isa = 1, ///< minor << 16 | major
  Features = 2,
  TotalBytes = 3,
  Digest = 4, ///< 8 words
  Arguments = 12,
  Trips = 13,
  SramLow = 14,
  SramHigh = 15,
  EntryBytes = 16,
  DebugOffset = 17,
  DebugBytes = 18,
  Reserved = 19,
  Table = 20,               ///< 12 x {offset, bytes, commands}, engine-major
  HeaderWords = 20 + 12 * 3 ///< Argument maxima follow, then the entry's name.
};

enum Opcode : uint32_t { OpDma = 1, OpMatmul = 2, OpChain = 3 };

// Command header word: opcode 7:0, engine 11:8, flags 15:12, length in words 27:16, waits 29:28.
constexpr uint32_t maxCommandWords = 4095;
constexpr uint32_t flagGather = 1u << 0;  ///< Dma
constexpr uint32_t flagStrided = 1u << 1; ///< Dma with counts and strides

// Address word: space 2:0, has argument 3, has trip stride 4, element type 7:5, argument 15:8,
// offset high 31:16.
constexpr uint32_t addressArgument = 1u << 3;
constexpr uint32_t addressTrip = 1u << 4;

// Matmul word: kind 1:0, accumulate 2, element 7:4, scale 11:8, group 31:16.
constexpr uint32_t matmulAccumulate = 1u << 2;

} // namespace llmc::rnpu::format
