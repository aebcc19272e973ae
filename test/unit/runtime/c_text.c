#include "test/unit/runtime/c_program.h"

#include <string.h>

#ifndef C_TEXT
#define C_TEXT c_text_as_c11
#endif

static llmc_tokenizer tokenizer;
static uint32_t words[2048];

static llmc_status encode_pieces(const char *text, c_text_output *out) {
  llmc_encoder encoder;
  llmc_status status;
  const uint32_t *ids;
  size_t n;
  llmc_encoder_init(&encoder, &tokenizer, text, strlen(text), words, 0);
  do {
    status = llmc_encoder_next(&encoder, &ids, &n);
    if (status.code == LLMC_TOO_SMALL) {
      llmc_encoder_set_scratch(&encoder, words, llmc_encoder_words_needed(&encoder));
      ++out->grown;
      status = llmc_encoder_next(&encoder, &ids, &n);
    }
    if (status.code != LLMC_OK)
      return status;
    if (n != 0)
      memcpy(out->pieces + out->n_pieces, ids, n * sizeof *ids);
    out->n_pieces += n;
  } while (n != 0);
  return status;
}

static llmc_status decode_all(c_text_output *out) {
  llmc_decoder decoder;
  llmc_status status = {LLMC_OK, 0, 0};
  size_t i, written;
  llmc_decoder_init(&decoder, &tokenizer, LLMC_KEEP_SPECIAL, LLMC_KEEP_INVALID);
  for (i = 0; status.code == LLMC_OK && i < out->n_ids; ++i) {
    status = llmc_decoder_push(&decoder, out->ids[i], out->text + out->text_size,
                               llmc_decoder_max_output(&decoder), &written);
    out->text_size += written;
  }
  if (status.code == LLMC_OK) {
    status = llmc_decoder_finish(&decoder, out->text + out->text_size,
                                 sizeof out->text - out->text_size, &written);
    out->text_size += written;
  }
  return status;
}

llmc_status C_TEXT(const void *segment, size_t size, const char *text, c_text_output *out) {
  llmc_status status = llmc_tokenizer_open(&tokenizer, segment, size);
  if (status.code == LLMC_OK)
    status = llmc_encode(&tokenizer, text, strlen(text), words, llmc_encode_scratch(strlen(text)),
                         out->ids, sizeof out->ids / sizeof *out->ids, &out->n_ids);
  if (status.code == LLMC_OK)
    status = encode_pieces(text, out);
  return status.code == LLMC_OK ? decode_all(out) : status;
}
