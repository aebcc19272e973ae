// Byte-level BPE tokenizer over a segment of untrusted bytes.
//
// open verifies every count, offset, id and order once; afterwards nothing is checked and nothing
// outside the segment is read, as long as its bytes do not change. No heap, no libc: memory comes
// from the caller. Encoding is in encoder.h, decoding in decoder.h.
#ifndef LLMC_RUNTIME_TOKENIZER_TOKENIZER_H
#define LLMC_RUNTIME_TOKENIZER_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/span.h"
#include "runtime/base/status.h"
#include "runtime/tokenizer/format.h"

namespace llmc::rt {

namespace tok {

/// Little-endian, any alignment.
inline uint32_t loadU32(const uint8_t *p) {
  return static_cast<uint32_t>(p[0]) | static_cast<uint32_t>(p[1]) << 8 |
         static_cast<uint32_t>(p[2]) << 16 | static_cast<uint32_t>(p[3]) << 24;
}

/// A table of little-endian 32-bit words.
struct Words {
  const uint8_t *data = nullptr;
  uint32_t count = 0;
  uint32_t operator[](size_t i) const { return loadU32(data + i * 4); }
};

/// Three-way comparison of byte strings, unsigned bytes, a prefix first.
int compareBytes(Span<const uint8_t> a, Span<const uint8_t> b);

/// The verified tables, pointing into the segment.
struct Tables {
  uint32_t flags = 0;
  uint32_t vocab = 0;
  uint32_t bos = NoId;
  uint32_t unicode = 0;
  uint8_t pattern = PatternNone;
  uint8_t digitSplit = DigitsTogether;
  uint32_t rawAdded = 0; // added tokens before this index are not AddedNormalized
  uint32_t maxTokenBytes = 0;
  Words byteIds;      // 256: the token of each single byte
  Words tokenOffsets; // vocab + 1, into the pool
  Words mergeStarts;  // vocab + 1, into merges: those whose left part is this id
  Words merges;       // 3 words each: right, rank, result
  Words lookup;       // ids by the bytes of their tokens
  Words added;        // 4 words each: id, offset, bytes, flags
  Words specials;     // ids
  Words eos;          // ids
  Words classRuns;    // first code point in 24 bits, class in 8
  Span<const uint8_t> pool;
  uint8_t asciiClass[128] = {};
  uint8_t addedLead[256] = {}; // bit 0: a raw added token starts so, bit 1: a normalized one
};

} // namespace tok

class Tokenizer {
public:
  /// `segment` must stay where it is, unchanged, while `out` and all made from it are in use.
  static Status open(Span<const uint8_t> segment, Tokenizer &out);

  /// Ids are smaller than this. A model's own vocabulary may be padded beyond it.
  uint32_t vocabSize() const { return tables.vocab; }
  /// tok::NoId where the model has none.
  uint32_t bosId() const { return tables.bos; }
  /// Whether the model expects bos before every text. Encoding never adds it by itself.
  bool addsBos() const { return (tables.flags & tok::FlagAddBos) != 0; }
  uint32_t eosCount() const { return tables.eos.count; }
  uint32_t eosId(uint32_t i) const { return tables.eos[i]; }
  bool isEos(uint32_t id) const;
  bool isSpecial(uint32_t id) const;
  /// The bytes a token stands for; empty for an id that no token has.
  Span<const uint8_t> tokenBytes(uint32_t id) const;
  uint32_t maxTokenBytes() const { return tables.maxTokenBytes; }

  const tok::Tables &view() const { return tables; }

private:
  tok::Tables tables;
};

} // namespace llmc::rt

#endif
