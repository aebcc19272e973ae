// Cuts text into the pieces that are merged on their own.
#ifndef LLMC_RUNTIME_TOKENIZER_PRETOKENIZE_H
#define LLMC_RUNTIME_TOKENIZER_PRETOKENIZE_H

#include "runtime/tokenizer/tokenizer.h"

namespace llmc::rt::tok {

/// One character and where it ends. A byte that is not part of valid UTF-8 is one character of
/// class other.
struct ClassifiedChar {
  uint32_t codePoint = 0xFFFFFFFFu; // not a character
  CharClass kind = ClassOther;
  size_t end = 0;
};

/// The character at `at`, which must be smaller than text.size.
ClassifiedChar charAt(const Tables &tables, Span<const uint8_t> text, size_t at);

/// Where white space that ends at `at` begins, not before `from`.
size_t spaceBefore(const Tables &tables, Span<const uint8_t> text, size_t from, size_t at);
/// Where white space that begins at `at` ends.
size_t spaceAfter(const Tables &tables, Span<const uint8_t> text, size_t at);

/// End of the part that the digit split leaves to the pattern, starting at `at` < text.size.
size_t digitPartEnd(const Tables &tables, Span<const uint8_t> text, size_t at);

/// End of the piece that starts at `at` < text.size; greater than `at`. `text` ends where the
/// pattern shall see its end.
size_t pieceEnd(const Tables &tables, Span<const uint8_t> text, size_t at);

/// A part of the text that an added token takes, white space included that it swallows.
struct AddedMatch {
  size_t begin = 0;
  size_t end = 0;
  uint32_t id = NoId; // none: begin and end are the limit
};

/// The first, and there the longest, added token in [from, text.size).
AddedMatch findAdded(const Tables &tables, Span<const uint8_t> text, size_t from, bool normalized);

} // namespace llmc::rt::tok

#endif
