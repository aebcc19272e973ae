// Ids to text, as they come: an incomplete UTF-8 sequence is held back until its rest arrives.
#ifndef LLMC_RUNTIME_TOKENIZER_DECODER_H
#define LLMC_RUNTIME_TOKENIZER_DECODER_H

#include "runtime/tokenizer/tokenizer.h"

namespace llmc::rt {

enum class SpecialTokens : uint8_t { Keep, Skip };

/// What becomes of bytes that are not valid UTF-8. Replace: U+FFFD for each maximal part of a
/// sequence, as most libraries do; the output is always valid. Keep: the bytes themselves, so that
/// decoding inverts encoding.
enum class InvalidBytes : uint8_t { Replace, Keep };

class Decoder {
public:
  explicit Decoder(const Tokenizer &tokenizer, SpecialTokens special = SpecialTokens::Keep,
                   InvalidBytes invalid = InvalidBytes::Replace)
      : tokenizer(tokenizer), special(special), invalid(invalid) {}

  /// Bytes of output that always suffice for one push.
  size_t maxOutput() const { return (size_t(tokenizer.maxTokenBytes()) + 3) * 3; }

  /// Appends what `id` completes to out. On an error nothing has changed: TOO_SMALL (AT_TOKENIZER,
  /// PartOutput), or OUT_OF_RANGE (AT_TOKEN) for an id that no token has.
  Status push(uint32_t id, Span<uint8_t> out, size_t &written);

  /// Ends the text: what is held back is incomplete for good. Afterwards the decoder is as new.
  Status finish(Span<uint8_t> out, size_t &written);

private:
  struct Held {
    uint8_t bytes[4] = {};
    uint32_t count = 0;
  };
  struct Sink {
    Span<uint8_t> out;
    size_t size = 0;
    bool full = false;
    void put(const uint8_t *bytes, size_t count);
  };
  void feed(uint8_t byte, Sink &sink);
  void putInvalid(const uint8_t *bytes, size_t count, Sink &sink) const;
  Status close(const Held &before, const Sink &sink, size_t &written);

  const Tokenizer &tokenizer;
  SpecialTokens special;
  InvalidBytes invalid;
  Held held;
};

/// All of `ids` into out, as one text; on an error `written` is 0, and OUT_OF_RANGE names the
/// position in `detail`.
Status decode(const Tokenizer &tokenizer, Span<const uint32_t> ids, SpecialTokens special,
              InvalidBytes invalid, Span<uint8_t> out, size_t &written);

} // namespace llmc::rt

#endif
