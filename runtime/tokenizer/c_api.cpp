// The functions for text of the C header.
#include "runtime/c/llmc_runtime.h"
#include "runtime/c/placed.h"
#include "runtime/tokenizer/decoder.h"
#include "runtime/tokenizer/encoder.h"

using namespace llmc::rt;

namespace {

static_assert(sizeof(Tokenizer) <= sizeof(llmc_tokenizer) &&
              alignof(Tokenizer) <= alignof(llmc_tokenizer));
static_assert(sizeof(Encoder) <= sizeof(llmc_encoder) && alignof(Encoder) <= alignof(llmc_encoder));
static_assert(sizeof(Decoder) <= sizeof(llmc_decoder) && alignof(Decoder) <= alignof(llmc_decoder));
static_assert(LLMC_SKIP_SPECIAL == int(SpecialTokens::Skip) &&
              LLMC_KEEP_INVALID == int(InvalidBytes::Keep));

const Tokenizer &of(const llmc_tokenizer *tokenizer) {
  return *reinterpret_cast<const Tokenizer *>(tokenizer);
}
Encoder &of(llmc_encoder *encoder) { return *reinterpret_cast<Encoder *>(encoder); }
const Encoder &of(const llmc_encoder *encoder) {
  return *reinterpret_cast<const Encoder *>(encoder);
}
Decoder &of(llmc_decoder *decoder) { return *reinterpret_cast<Decoder *>(decoder); }
const Decoder &of(const llmc_decoder *decoder) {
  return *reinterpret_cast<const Decoder *>(decoder);
}

Span<const uint8_t> bytesOf(const void *data, size_t size) {
  return {static_cast<const uint8_t *>(data), size};
}
Span<uint8_t> room(void *data, size_t size) { return {static_cast<uint8_t *>(data), size}; }

} // namespace

llmc_status llmc_tokenizer_open(llmc_tokenizer *tokenizer, const void *segment, size_t size) {
  return Tokenizer::open(bytesOf(segment, size), *new (tokenizer) Placed<Tokenizer>);
}

uint32_t llmc_tokenizer_vocab(const llmc_tokenizer *tokenizer) { return of(tokenizer).vocabSize(); }
uint32_t llmc_tokenizer_bos(const llmc_tokenizer *tokenizer) { return of(tokenizer).bosId(); }
int llmc_tokenizer_adds_bos(const llmc_tokenizer *tokenizer) { return of(tokenizer).addsBos(); }
int llmc_tokenizer_is_eos(const llmc_tokenizer *tokenizer, uint32_t id) {
  return of(tokenizer).isEos(id);
}
int llmc_tokenizer_is_special(const llmc_tokenizer *tokenizer, uint32_t id) {
  return of(tokenizer).isSpecial(id);
}

void llmc_tokenizer_token(const llmc_tokenizer *tokenizer, uint32_t id, const uint8_t **bytes,
                          size_t *size) {
  Span<const uint8_t> token = of(tokenizer).tokenBytes(id);
  *bytes = token.data;
  *size = token.size;
}

size_t llmc_encode_scratch(size_t piece_bytes) { return Encoder::scratchWords(piece_bytes); }

llmc_status llmc_encode(const llmc_tokenizer *tokenizer, const void *text, size_t size,
                        uint32_t *scratch, size_t n_scratch, uint32_t *ids, size_t n_ids,
                        size_t *count) {
  return encode(of(tokenizer), bytesOf(text, size), {scratch, n_scratch}, {ids, n_ids}, *count);
}

void llmc_encoder_init(llmc_encoder *encoder, const llmc_tokenizer *tokenizer, const void *text,
                       size_t size, uint32_t *scratch, size_t n_scratch) {
  new (encoder) Placed<Encoder>(of(tokenizer), bytesOf(text, size), {scratch, n_scratch});
}

llmc_status llmc_encoder_next(llmc_encoder *encoder, const uint32_t **ids, size_t *n) {
  Span<const uint32_t> piece;
  Status status = of(encoder).next(piece);
  *ids = piece.data;
  *n = piece.size;
  return status;
}

size_t llmc_encoder_words_needed(const llmc_encoder *encoder) { return of(encoder).wordsNeeded(); }
void llmc_encoder_set_scratch(llmc_encoder *encoder, uint32_t *scratch, size_t n_scratch) {
  of(encoder).setScratch({scratch, n_scratch});
}

void llmc_decoder_init(llmc_decoder *decoder, const llmc_tokenizer *tokenizer, uint32_t special,
                       uint32_t invalid) {
  new (decoder) Placed<Decoder>(
      of(tokenizer), special == LLMC_SKIP_SPECIAL ? SpecialTokens::Skip : SpecialTokens::Keep,
      invalid == LLMC_KEEP_INVALID ? InvalidBytes::Keep : InvalidBytes::Replace);
}

size_t llmc_decoder_max_output(const llmc_decoder *decoder) { return of(decoder).maxOutput(); }

llmc_status llmc_decoder_push(llmc_decoder *decoder, uint32_t id, void *out, size_t size,
                              size_t *written) {
  *written = 0;
  return of(decoder).push(id, room(out, size), *written);
}

llmc_status llmc_decoder_finish(llmc_decoder *decoder, void *out, size_t size, size_t *written) {
  *written = 0;
  return of(decoder).finish(room(out, size), *written);
}
