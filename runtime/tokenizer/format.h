// The tokenizer segment: constants its writer and its reader share. docs/format/tokenizer.md has
// the layout.
#ifndef LLMC_RUNTIME_TOKENIZER_FORMAT_H
#define LLMC_RUNTIME_TOKENIZER_FORMAT_H

#include <stdint.h>

namespace llmc::rt::tok {

inline constexpr uint32_t Magic = 0x4B4F544Cu; // "LTOK"
inline constexpr uint32_t VersionMajor = 1;    // another major version is rejected
inline constexpr uint32_t HeaderBytes = 64;
inline constexpr uint32_t NoId = 0xFFFFFFFFu;

/// Byte offsets of the header's fields.
enum HeaderField : uint32_t {
  AtMagic = 0,
  AtVersion = 4,
  AtTotalBytes = 8,
  AtFlags = 12,
  AtVocab = 16,
  AtMerges = 20,
  AtLookup = 24,
  AtAdded = 28,
  AtSpecials = 32,
  AtEos = 36,
  AtClassRuns = 40,
  AtPoolBytes = 44,
  AtBos = 48,
  AtPattern = 52,
  AtDigitSplit = 53,
  AtReserved = 54,
  AtUnicode = 56,
  AtReserved2 = 60,
};

enum Flag : uint32_t {
  FlagIgnoreMerges = 1u << 0, // a piece that is a whole token is not merged
  FlagAddBos = 1u << 1,       // the model's own tooling puts bos before every text
  KnownFlags = FlagIgnoreMerges | FlagAddBos,
};

/// How a text is cut into pieces before merging.
enum Pattern : uint8_t {
  PatternNone = 0,   // not at all
  PatternGpt2 = 1,   // 's|'t|'re|… ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  PatternLlama3 = 2, // (?i:'s|…)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|…
  PatternQwen2 = 3,  // the same with single digits
  PatternCount = 4,
};

/// A cut around numbers that comes before the pattern.
enum DigitSplit : uint8_t {
  DigitsTogether = 0,
  DigitsEach = 1, // every \p{N} alone
  DigitsRuns = 2, // every run of \p{N} alone
  DigitSplitCount = 3,
};

enum CharClass : uint8_t {
  ClassOther = 0,
  ClassLetter = 1,
  ClassNumber = 2,
  ClassSpace = 3,
  ClassCount = 4
};

enum AddedFlag : uint32_t {
  AddedNormalized = 1u << 0, // looked for after all the others, in what they leave
  AddedStripLeft = 1u << 1,  // swallows the white space before it
  AddedStripRight = 1u << 2, // swallows the white space after it
  KnownAddedFlags = AddedNormalized | AddedStripLeft | AddedStripRight,
};

/// Bytes of one entry of each table.
inline constexpr uint32_t MergeBytes = 12; // right id, rank, result id
inline constexpr uint32_t AddedBytes = 16; // id, offset in the pool, bytes, AddedFlag

/// `detail` of a Status whose `where` is LLMC_AT_TOKENIZER.
enum Part : uint16_t {
  PartHeader = 0,
  PartSize = 1, // the segment's size is not what its tables need
  PartByteIds = 2,
  PartTokens = 3,
  PartMerges = 4,
  PartLookup = 5,
  PartAdded = 6,
  PartSpecials = 7,
  PartEos = 8,
  PartClasses = 9,
  PartPool = 10,
  PartScratch = 16, // the caller's scratch is smaller than the piece needs
  PartIds = 17,     // the caller's ids do not hold the text
  PartOutput = 18,  // the caller's bytes do not hold the decoded text
};

} // namespace llmc::rt::tok

#endif
