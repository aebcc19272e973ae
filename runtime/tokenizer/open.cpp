// Tokenizer::open: the one place that looks at the segment's bytes with suspicion.
//
// Checks, in order: (1) header; (2) the size its counts need is the size given; (3) tables in range
// and sorted; (4) meaning: a byte's token is that byte, a merge's token is its two parts joined.
// From (4) follows that the ids of any text decode to that text again, special tokens aside.
#include "runtime/tokenizer/tokenizer.h"

namespace llmc::rt {

using namespace tok;

namespace {

Status bad(Code code, Part part) { return Status(code, LLMC_AT_TOKENIZER, part); }

bool sameBytes(const uint8_t *a, const uint8_t *b, size_t size) {
  for (size_t i = 0; i < size; ++i)
    if (a[i] != b[i])
      return false;
  return true;
}

/// Hands out the tables one after the other; `end` is 64-bit so that no count can wrap it.
struct Cursor {
  const uint8_t *base;
  uint64_t end;
  Words take(uint64_t words, uint32_t count) {
    Words result{base + static_cast<size_t>(end), count};
    end += words * 4;
    return result;
  }
};

Status readHeader(Span<const uint8_t> segment, Tables &t) {
  if (segment.size < HeaderBytes)
    return bad(LLMC_TRUNCATED, PartHeader);
  const uint8_t *p = segment.data;
  if (loadU32(p + AtMagic) != Magic)
    return bad(LLMC_BAD_MAGIC, PartHeader);
  if (loadU32(p + AtVersion) != VersionMajor)
    return bad(LLMC_BAD_VERSION, PartHeader);
  t.flags = loadU32(p + AtFlags);
  if ((t.flags & ~KnownFlags) != 0 || p[AtPattern] >= PatternCount ||
      p[AtDigitSplit] >= DigitSplitCount)
    return bad(LLMC_UNKNOWN_FEATURE, PartHeader);
  if (p[AtReserved] != 0 || p[AtReserved + 1] != 0 || loadU32(p + AtReserved2) != 0)
    return bad(LLMC_BAD_VALUE, PartHeader);
  t.pattern = p[AtPattern];
  t.digitSplit = p[AtDigitSplit];
  t.vocab = loadU32(p + AtVocab);
  t.bos = loadU32(p + AtBos);
  t.unicode = loadU32(p + AtUnicode);
  if (t.vocab == 0 || t.vocab == NoId)
    return bad(LLMC_BAD_VALUE, PartHeader);
  if (t.bos == NoId ? (t.flags & FlagAddBos) != 0 : t.bos >= t.vocab)
    return bad(LLMC_BAD_INDEX, PartHeader);
  return {};
}

/// Adds up the sizes before any table's address is formed.
Status checkSize(Span<const uint8_t> segment) {
  const uint8_t *p = segment.data;
  const uint64_t perVocab = (uint64_t(loadU32(p + AtVocab)) + 1) * 4 * 2;
  const uint64_t need =
      HeaderBytes + 256 * 4 + perVocab + uint64_t(loadU32(p + AtMerges)) * MergeBytes +
      uint64_t(loadU32(p + AtLookup)) * 4 + uint64_t(loadU32(p + AtAdded)) * AddedBytes +
      uint64_t(loadU32(p + AtSpecials)) * 4 + uint64_t(loadU32(p + AtEos)) * 4 +
      uint64_t(loadU32(p + AtClassRuns)) * 4 + loadU32(p + AtPoolBytes);
  if (need > segment.size)
    return bad(LLMC_TRUNCATED, PartSize);
  if (need != segment.size || loadU32(p + AtTotalBytes) != need)
    return bad(LLMC_BAD_RANGE, PartSize);
  return {};
}

void placeTables(Span<const uint8_t> segment, Tables &t) {
  const uint8_t *p = segment.data;
  const auto count = [p](HeaderField field) { return loadU32(p + field); };
  Cursor cursor{p, HeaderBytes};
  t.byteIds = cursor.take(256, 256);
  t.tokenOffsets = cursor.take(uint64_t(t.vocab) + 1, t.vocab + 1);
  t.mergeStarts = cursor.take(uint64_t(t.vocab) + 1, t.vocab + 1);
  t.merges = cursor.take(uint64_t(count(AtMerges)) * 3, count(AtMerges));
  t.lookup = cursor.take(count(AtLookup), count(AtLookup));
  t.added = cursor.take(uint64_t(count(AtAdded)) * 4, count(AtAdded));
  t.specials = cursor.take(count(AtSpecials), count(AtSpecials));
  t.eos = cursor.take(count(AtEos), count(AtEos));
  t.classRuns = cursor.take(count(AtClassRuns), count(AtClassRuns));
  t.pool = {p + static_cast<size_t>(cursor.end), count(AtPoolBytes)};
}

/// A table of vocab + 1 positions: starts at 0, never falls, ends within (or exactly at) `limit`.
bool risesTo(const Words &starts, uint32_t limit, bool exactly) {
  uint32_t last = 0;
  if (starts[0] != 0)
    return false;
  for (uint32_t i = 1; i < starts.count; ++i) {
    const uint32_t now = starts[i];
    if (now < last || now > limit)
      return false;
    last = now;
  }
  return !exactly || last == limit;
}

Status checkTokens(Tables &t, const Tokenizer &tokenizer) {
  if (!risesTo(t.tokenOffsets, static_cast<uint32_t>(t.pool.size), false))
    return bad(LLMC_BAD_RANGE, PartTokens);
  for (uint32_t id = 0; id < t.vocab; ++id) {
    const size_t size = tokenizer.tokenBytes(id).size;
    t.maxTokenBytes = size > t.maxTokenBytes ? static_cast<uint32_t>(size) : t.maxTokenBytes;
  }
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const Span<const uint8_t> token = tokenizer.tokenBytes(t.byteIds[byte]);
    if (token.size != 1 || token[0] != byte)
      return bad(LLMC_BAD_VALUE, PartByteIds);
  }
  return {};
}

/// One merge: ids in range, no empty part, and the result is the parts joined.
bool isMerge(const Tables &t, const Tokenizer &tokenizer, uint32_t left, uint32_t index) {
  const Span<const uint8_t> a = tokenizer.tokenBytes(left);
  const Span<const uint8_t> b = tokenizer.tokenBytes(t.merges[size_t(index) * 3]);
  const Span<const uint8_t> whole = tokenizer.tokenBytes(t.merges[size_t(index) * 3 + 2]);
  if (a.empty() || b.empty() || whole.size != a.size + b.size)
    return false;
  return sameBytes(whole.data, a.data, a.size) && sameBytes(whole.data + a.size, b.data, b.size);
}

Status checkMerges(const Tables &t, const Tokenizer &tokenizer) {
  if (!risesTo(t.mergeStarts, t.merges.count, true))
    return bad(LLMC_BAD_RANGE, PartMerges);
  for (uint32_t left = 0; left < t.vocab; ++left) {
    const uint32_t begin = t.mergeStarts[left], end = t.mergeStarts[size_t(left) + 1];
    for (uint32_t i = begin; i < end; ++i) {
      const uint32_t right = t.merges[size_t(i) * 3];
      if (i > begin && right <= t.merges[size_t(i - 1) * 3])
        return bad(LLMC_BAD_VALUE, PartMerges);
      if (t.merges[size_t(i) * 3 + 1] >= t.merges.count)
        return bad(LLMC_BAD_INDEX, PartMerges);
      if (!isMerge(t, tokenizer, left, i))
        return bad(LLMC_BAD_VALUE, PartMerges);
    }
  }
  return {};
}

/// Ids in order of their tokens' bytes, none empty, none twice.
Status checkLookup(const Tables &t, const Tokenizer &tokenizer) {
  if (t.lookup.count != 0 && (t.flags & FlagIgnoreMerges) == 0)
    return bad(LLMC_BAD_VALUE, PartLookup);
  Span<const uint8_t> last;
  for (uint32_t i = 0; i < t.lookup.count; ++i) {
    const Span<const uint8_t> now = tokenizer.tokenBytes(t.lookup[i]);
    if (now.empty() || compareBytes(last, now) >= 0)
      return bad(LLMC_BAD_VALUE, PartLookup);
    last = now;
  }
  return {};
}

/// First those that are not normalized, then the others; each part strictly sorted by what is
/// looked for in the text.
Status checkAdded(Tables &t) {
  Span<const uint8_t> last;
  for (uint32_t i = 0; i < t.added.count; ++i) {
    const size_t at = size_t(i) * 4;
    const uint32_t offset = t.added[at + 1], size = t.added[at + 2], flags = t.added[at + 3];
    if (t.added[at] >= t.vocab)
      return bad(LLMC_BAD_INDEX, PartAdded);
    if (size == 0 || !fits(offset, size, t.pool.size))
      return bad(LLMC_BAD_RANGE, PartAdded);
    const bool normalized = (flags & AddedNormalized) != 0;
    if ((flags & ~KnownAddedFlags) != 0 || (!normalized && t.rawAdded != i))
      return bad(LLMC_BAD_VALUE, PartAdded);
    const Span<const uint8_t> now{t.pool.data + offset, size};
    if (normalized && t.rawAdded == i)
      last = {};
    if (compareBytes(last, now) >= 0)
      return bad(LLMC_BAD_VALUE, PartAdded);
    last = now;
    t.rawAdded += normalized ? 0 : 1;
    t.addedLead[now[0]] = static_cast<uint8_t>(t.addedLead[now[0]] | (normalized ? 2 : 1));
  }
  return {};
}

Status checkIds(const Tables &t) {
  for (uint32_t i = 0; i < t.specials.count; ++i) {
    if (t.specials[i] >= t.vocab)
      return bad(LLMC_BAD_INDEX, PartSpecials);
    if (i > 0 && t.specials[i] <= t.specials[i - 1])
      return bad(LLMC_BAD_VALUE, PartSpecials);
  }
  for (uint32_t i = 0; i < t.eos.count; ++i)
    if (t.eos[i] >= t.vocab)
      return bad(LLMC_BAD_INDEX, PartEos);
  return {};
}

/// Runs start at U+0000, rise strictly, stay within Unicode. Fills the ASCII shortcut. Blank and
/// line breaks must be white space: the patterns name them as characters, and every piece has a
/// byte only if both views agree.
Status checkClasses(Tables &t) {
  if (t.classRuns.count == 0 || (t.classRuns[0] & 0xFFFFFFu) != 0)
    return bad(LLMC_BAD_VALUE, PartClasses);
  for (uint32_t i = 0; i < t.classRuns.count; ++i) {
    const uint32_t first = t.classRuns[i] & 0xFFFFFFu, kind = t.classRuns[i] >> 24;
    if (kind >= ClassCount || first > 0x10FFFFu)
      return bad(LLMC_BAD_VALUE, PartClasses);
    if (i > 0 && first <= (t.classRuns[i - 1] & 0xFFFFFFu))
      return bad(LLMC_BAD_VALUE, PartClasses);
    for (uint32_t c = first; c < 128; ++c)
      t.asciiClass[c] = static_cast<uint8_t>(kind);
  }
  if (t.asciiClass[' '] != ClassSpace || t.asciiClass['\n'] != ClassSpace ||
      t.asciiClass['\r'] != ClassSpace)
    return bad(LLMC_BAD_VALUE, PartClasses);
  return {};
}

} // namespace

Status Tokenizer::open(Span<const uint8_t> segment, Tokenizer &out) {
  out = Tokenizer();
  Tokenizer opened;
  Tables &t = opened.tables;
  Status status = readHeader(segment, t);
  if (status.ok())
    status = checkSize(segment);
  if (!status.ok())
    return status;
  placeTables(segment, t);
  status = checkTokens(t, opened);
  if (status.ok())
    status = checkMerges(t, opened);
  if (status.ok())
    status = checkLookup(t, opened);
  if (status.ok())
    status = checkAdded(t);
  if (status.ok())
    status = checkIds(t);
  if (status.ok())
    status = checkClasses(t);
  if (status.ok())
    out = opened;
  return status;
}

} // namespace llmc::rt
