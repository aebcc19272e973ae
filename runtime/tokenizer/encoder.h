// Text to ids, one piece at a time.
//
// Any bytes can be encoded: a byte that is not part of valid UTF-8 counts as a symbol (neither
// letter, number nor space) and becomes the tokens of that byte, so decoding gives it back; nothing
// is replaced.
#ifndef LLMC_RUNTIME_TOKENIZER_ENCODER_H
#define LLMC_RUNTIME_TOKENIZER_ENCODER_H

#include "runtime/tokenizer/pretokenize.h"

namespace llmc::rt {

class Encoder {
public:
  /// Words of scratch that pieces of up to `pieceBytes` need. The size of the whole text always
  /// suffices; prose has pieces of a word each, but a text without spaces may be one piece.
  static constexpr size_t scratchWords(size_t pieceBytes) { return pieceBytes * 5; }

  /// All three must outlive the encoder.
  Encoder(const Tokenizer &tokenizer, Span<const uint8_t> text, Span<uint32_t> scratch)
      : tables(tokenizer.view()), text(text), scratch(scratch) {}

  /// The ids of the next piece, valid until the next call; none at the end of the text. TOO_SMALL
  /// (AT_TOKENIZER, PartScratch): wordsNeeded() says how much scratch this piece needs, setScratch
  /// and the same call continue.
  Status next(Span<const uint32_t> &ids);

  size_t wordsNeeded() const { return needed; }
  void setScratch(Span<uint32_t> larger) { scratch = larger; }
  /// Bytes of the text whose ids have been handed out.
  size_t position() const { return at; }

private:
  void findPart();
  Status mergeNext(Span<const uint32_t> &ids);

  const tok::Tables &tables;
  Span<const uint8_t> text;
  Span<uint32_t> scratch;
  size_t at = 0;
  size_t needed = 0;
  size_t partEnd = 0;  // of the text between added tokens that `at` is in, or of the added token
  size_t digitEnd = 0; // of the part that the digit split leaves
  uint32_t partId = tok::NoId; // the added token that the part is
  tok::AddedMatch raw;         // the next added token at or after `at`
  tok::AddedMatch normalized;  // the next one of the second kind before `raw`
  uint32_t single = 0;         // where a lone id is handed out from
};

/// All of `text` into ids; `count` is what was written, and on TOO_SMALL what fits before the piece
/// that failed (PartScratch or PartIds). An id stands for at least one byte, so text.size ids
/// always suffice.
Status encode(const Tokenizer &tokenizer, Span<const uint8_t> text, Span<uint32_t> scratch,
              Span<uint32_t> ids, size_t &count);

} // namespace llmc::rt

#endif
