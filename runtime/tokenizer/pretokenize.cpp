#include "runtime/tokenizer/pretokenize.h"

#include "runtime/tokenizer/utf8.h"

namespace llmc::rt::tok {

namespace {

using Text = Span<const uint8_t>;

CharClass classOf(const Tables &t, uint32_t codePoint) {
  if (codePoint < 128)
    return static_cast<CharClass>(t.asciiClass[codePoint]);
  uint32_t low = 0, high = t.classRuns.count; // the first run starts at 0
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    if ((t.classRuns[middle] & 0xFFFFFFu) <= codePoint)
      low = middle;
    else
      high = middle;
  }
  return static_cast<CharClass>(t.classRuns[low] >> 24);
}

bool isNewline(const ClassifiedChar &c) { return c.codePoint == '\n' || c.codePoint == '\r'; }

/// End of the run of `kind` at `at`, of at most `limit` characters.
size_t runEnd(const Tables &t, Text text, size_t at, CharClass kind, size_t limit = SIZE_MAX) {
  while (at < text.size && limit-- > 0) {
    const ClassifiedChar c = charAt(t, text, at);
    if (c.kind != kind)
      break;
    at = c.end;
  }
  return at;
}

uint8_t byteAt(Text text, size_t at, bool foldCase) {
  if (at >= text.size)
    return 0;
  const uint8_t byte = text[at];
  return foldCase && byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte + 32) : byte;
}

/// 's 't 're 've 'm 'll 'd, or `at` where there is none. U+017F folds to s.
size_t contractionEnd(Text text, size_t at, bool foldCase) {
  if (text[at] != '\'')
    return at;
  const uint8_t a = byteAt(text, at + 1, foldCase), b = byteAt(text, at + 2, foldCase);
  if (a == 's' || a == 't' || a == 'm' || a == 'd')
    return at + 2;
  if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
    return at + 3;
  return foldCase && a == 0xC5 && b == 0xBF ? at + 3 : at;
}

/// \s+(?!\S)|\s+ : the run, without its last character where something follows and something
/// remains.
size_t spaceEnd(const Tables &t, Text text, size_t at) {
  size_t end = at, last = at;
  while (end < text.size) {
    const ClassifiedChar c = charAt(t, text, end);
    if (c.kind != ClassSpace)
      break;
    last = end;
    end = c.end;
  }
  return end < text.size && last > at ? last : end;
}

size_t gpt2End(const Tables &t, Text text, size_t at) {
  const size_t contraction = contractionEnd(text, at, false);
  if (contraction != at)
    return contraction;
  const size_t start = text[at] == ' ' && at + 1 < text.size ? at + 1 : at;
  const ClassifiedChar c = charAt(t, text, start);
  return c.kind == ClassSpace ? spaceEnd(t, text, at) : runEnd(t, text, start, c.kind);
}

/// \s*[\r\n]+ : up to the last line break of the run of white space; `at` where it has none.
size_t lineBreakEnd(const Tables &t, Text text, size_t at) {
  size_t end = at, result = at;
  while (end < text.size) {
    const ClassifiedChar c = charAt(t, text, end);
    if (c.kind != ClassSpace)
      break;
    end = c.end;
    result = isNewline(c) ? end : result;
  }
  return result;
}

/// [^\r\n\p{L}\p{N}]?\p{L}+ : letters with one other character before; `at` where there are none.
size_t lettersEnd(const Tables &t, Text text, size_t at, const ClassifiedChar &c) {
  if (c.kind == ClassLetter)
    return runEnd(t, text, at, ClassLetter);
  if (c.kind == ClassNumber || isNewline(c))
    return at;
  const size_t end = runEnd(t, text, c.end, ClassLetter);
  return end == c.end ? at : end;
}

/// The family of Llama 3 and Qwen2: numbers in pieces of `maxDigits`.
size_t llama3End(const Tables &t, Text text, size_t at, size_t maxDigits) {
  const size_t contraction = contractionEnd(text, at, true);
  if (contraction != at)
    return contraction;
  const ClassifiedChar c = charAt(t, text, at);
  const size_t letters = lettersEnd(t, text, at, c);
  if (letters != at)
    return letters;
  if (c.kind == ClassNumber)
    return runEnd(t, text, at, ClassNumber, maxDigits);
  const size_t start = text[at] == ' ' ? at + 1 : at;
  size_t end = runEnd(t, text, start, ClassOther);
  if (end != start) {
    while (end < text.size && (text[end] == '\r' || text[end] == '\n'))
      ++end;
    return end;
  }
  const size_t lineBreak = lineBreakEnd(t, text, at);
  return lineBreak != at ? lineBreak : spaceEnd(t, text, at);
}

/// The longest entry of added[low, high) that `text` continues with from `at`; high is narrowed to
/// those equal so far.
uint32_t longestAdded(const Tables &t, Text text, size_t at, uint32_t low, uint32_t high) {
  uint32_t found = NoId;
  for (size_t depth = 0; low < high; ++depth) {
    const auto byteOf = [&](uint32_t i) -> int {
      const uint32_t size = t.added[size_t(i) * 4 + 2];
      return depth < size ? t.pool[size_t(t.added[size_t(i) * 4 + 1]) + depth] : -1;
    };
    if (byteOf(low) < 0) // a prefix sorts first, and only one entry is exactly this string
      found = low++;
    if (at + depth >= text.size)
      break;
    const int wanted = text[at + depth];
    while (low < high && byteOf(low) < wanted)
      ++low;
    uint32_t end = low;
    while (end < high && byteOf(end) == wanted)
      ++end;
    high = end;
  }
  return found;
}

} // namespace

ClassifiedChar charAt(const Tables &tables, Text text, size_t at) {
  const Utf8Char c = readUtf8(text.data + at, text.size - at);
  if (c.state != Utf8State::Valid)
    return {0xFFFFFFFFu, ClassOther, at + 1};
  return {c.codePoint, classOf(tables, c.codePoint), at + c.bytes};
}

size_t spaceBefore(const Tables &tables, Text text, size_t from, size_t at) {
  while (at > from) {
    size_t start = at - 1;
    while (start > from && at - start < 4 && (text[start] & 0xC0u) == 0x80)
      --start;
    const ClassifiedChar c = charAt(tables, {text.data, at}, start);
    if (c.kind != ClassSpace || c.end != at)
      break;
    at = start;
  }
  return at;
}

size_t spaceAfter(const Tables &tables, Text text, size_t at) {
  return runEnd(tables, text, at, ClassSpace);
}

size_t digitPartEnd(const Tables &tables, Text text, size_t at) {
  if (tables.digitSplit == DigitsTogether)
    return text.size;
  ClassifiedChar c = charAt(tables, text, at);
  if (c.kind == ClassNumber)
    return runEnd(tables, text, at, ClassNumber, tables.digitSplit == DigitsEach ? 1 : SIZE_MAX);
  while (c.kind != ClassNumber) {
    at = c.end;
    if (at == text.size)
      break;
    c = charAt(tables, text, at);
  }
  return at;
}

size_t pieceEnd(const Tables &tables, Text text, size_t at) {
  switch (tables.pattern) {
  case PatternGpt2:
    return gpt2End(tables, text, at);
  case PatternLlama3:
    return llama3End(tables, text, at, 3);
  case PatternQwen2:
    return llama3End(tables, text, at, 1);
  default:
    return text.size;
  }
}

AddedMatch findAdded(const Tables &tables, Text text, size_t from, bool normalized) {
  const uint32_t low = normalized ? tables.rawAdded : 0;
  const uint32_t high = normalized ? tables.added.count : tables.rawAdded;
  const uint8_t leadBit = normalized ? 2 : 1;
  if (low == high)
    return {text.size, text.size, NoId};
  for (size_t at = from; at < text.size; ++at) {
    if ((tables.addedLead[text[at]] & leadBit) == 0)
      continue;
    const uint32_t index = longestAdded(tables, text, at, low, high);
    if (index == NoId)
      continue;
    const size_t word = size_t(index) * 4;
    const uint32_t flags = tables.added[word + 3];
    AddedMatch match{at, at + tables.added[word + 2], tables.added[word]};
    if ((flags & AddedStripLeft) != 0)
      match.begin = spaceBefore(tables, text, from, at);
    if ((flags & AddedStripRight) != 0)
      match.end = spaceAfter(tables, text, match.end);
    return match;
  }
  return {text.size, text.size, NoId};
}

} // namespace llmc::rt::tok
