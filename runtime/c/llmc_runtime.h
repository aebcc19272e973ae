/* The runtime in C: what other languages bind to, and firmware written in C uses.
 *
 * It mirrors the C++ classes Plan, CheckedSource, Session, Lm, Sampler, Tokenizer, Encoder, Decoder
 * and BaremetalDevice, which say more about each function (runtime/plan, runtime/exec/session.h,
 * runtime/lm, runtime/tokenizer, runtime/drivers/baremetal). Objects are
 * the caller's memory: zero them before their first use, as static storage is, and do not move them
 * while they are used. A plan outlives its sessions, a session its models; tables, memories and
 * what a call is given by pointer stay until the session is bound anew, ids until the call is
 * complete. No function may be called for the same object from two threads at once. */
#ifndef LLMC_RUNTIME_C_LLMC_RUNTIME_H
#define LLMC_RUNTIME_C_LLMC_RUNTIME_H

#include "runtime/base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when a function is added. None is ever changed or removed within a major version. */
#define LLMC_RUNTIME_API_MAJOR 0
#define LLMC_RUNTIME_API_MINOR 4

typedef struct llmc_plan {
  uint64_t opaque[11 + 6 * sizeof(void *)];
} llmc_plan;
typedef struct llmc_session {
  uint64_t opaque[31 + 4 * sizeof(void *)];
} llmc_session;
typedef struct llmc_lm {
  uint64_t opaque[20 + 3 * sizeof(void *)];
} llmc_lm;
typedef struct llmc_sampler {
  uint64_t opaque[5];
} llmc_sampler;
typedef struct llmc_checked_source {
  uint64_t opaque[10 + 2 * sizeof(void *)];
} llmc_checked_source;
typedef struct llmc_tokenizer {
  uint64_t opaque[50 + 3 * sizeof(void *)];
} llmc_tokenizer;
typedef struct llmc_encoder {
  uint64_t opaque[6 + 2 * sizeof(void *)];
} llmc_encoder;
typedef struct llmc_decoder {
  uint64_t opaque[2 + sizeof(void *) / 4];
} llmc_decoder;
typedef struct llmc_baremetal {
  uint64_t opaque[2 * sizeof(void *)];
} llmc_baremetal;

/* ---- plans -------------------------------------------------------------------------------- */

enum llmc_region_kind {
  LLMC_FLASH_XIP,
  LLMC_FLASH_PAGED,
  LLMC_DRAM,
  LLMC_SRAM,
  LLMC_TCM,
  LLMC_NPU_LOCAL,
  LLMC_HOST_SHARED
};
enum llmc_lifetime { LLMC_CONSTANT, LLMC_SESSION, LLMC_CALL, LLMC_SCRATCH };
enum llmc_entry_kind {
  LLMC_GENERIC,
  LLMC_INIT,
  LLMC_PREFILL,
  LLMC_DECODE,
  LLMC_HEAD,
  LLMC_VERIFY,
  LLMC_EMBED
};

enum llmc_segment_kind {
  LLMC_WEIGHTS,
  LLMC_KERNEL,
  LLMC_TABLE,
  LLMC_TOKENIZER,
  LLMC_DIGESTS,
  LLMC_GOLDEN,
  LLMC_DEBUG,
  LLMC_OTHER_SEGMENT
};

/* Bytes of the file, as llmc_plan_check_segment takes them. */
typedef struct llmc_segment_info {
  uint64_t offset; /* in the source */
  uint64_t size;
  uint64_t chunk;  /* bytes that each of its digests is of; 0: one is of all of them */
  uint16_t region; /* 0xFFFF: it is never loaded */
  uint8_t kind;
  uint8_t has_digest; /* not 0: it can be checked */
} llmc_segment_info;

/* Texts are not terminated. */
typedef struct llmc_region_info {
  uint64_t size;    /* exactly the bytes of memory the region takes */
  const char *name; /* for example "weights" */
  size_t name_size;
  uint8_t kind;
  uint8_t lifetime;
  uint8_t align_log2; /* of its address */
  uint8_t access;     /* 1 CPU reads, 2 writes, 4 device reads, 8 writes, 16 cached by the CPU */
} llmc_region_info;

typedef struct llmc_entry_info {
  const char *name;
  size_t name_size;
  uint32_t kind;
  uint32_t chunk;    /* the most tokens or rows */
  uint32_t pos_max;  /* the last position it may start at */
  uint32_t row_max;  /* the last row it may start at */
  uint32_t vocab;    /* ids are smaller */
  uint32_t n_inputs; /* the operands of its tensors: llmc_plan_tensor */
  uint32_t n_outputs;
  uint32_t stack_bytes;
} llmc_entry_info;

typedef struct llmc_tensor_info {
  const char *name;
  size_t name_size;
  const uint32_t *dims;
  size_t n_dims;
  uint32_t operand; /* for llmc_session_view */
  uint8_t role;     /* 0 other, 1 ids, 2 hidden, 3 logits */
  uint8_t dtype;    /* 0 f32, 1 f16, 2 i32, 3 i16, 4 i8, 5 u8, 6 i4, 7 u4 */
} llmc_tensor_info;

/* What a session carries from call to call, such as the keys of all layers: rows by layer, head and
 * token. Strides are bytes. */
typedef struct llmc_state_info {
  uint64_t offset; /* in its region */
  uint32_t max_tokens;
  uint32_t token_stride;
  uint32_t head_stride;
  uint32_t layer_stride;
  uint32_t layout_hash; /* the same for the same layout */
  uint16_t region;
  uint16_t layers;
  uint16_t heads;
  uint16_t head_dim; /* elements of a row */
  uint8_t role;      /* 0 other, 1 keys, 2 values, 3 keys' scales, 4 values' scales */
  uint8_t dtype;     /* as of tensors */
} llmc_state_info;

typedef struct llmc_model_info {
  const char *name;
  size_t name_size;
  const char *architecture;
  size_t architecture_size;
  const char *quantization;
  size_t quantization_size;
  const int32_t *eos_ids; /* any of them ends a text */
  size_t n_eos_ids;
  uint32_t vocab;
  uint32_t context_length;
  int32_t bos_id; /* -1: none */
  uint32_t reserved;
} llmc_model_info;

/* A source over bytes that are addressable, which must stay. */
llmc_source llmc_memory_source(const void *bytes, uint64_t size);

/* Verifies everything. `resident` (8-aligned) takes the plan part where the source cannot map it:
 * llmc_plan_resident_bytes of them; else it may be NULL. */
llmc_status llmc_plan_open(llmc_plan *plan, const llmc_source *source, void *resident,
                           size_t resident_size);
llmc_status llmc_plan_resident_bytes(const llmc_source *source, uint64_t *bytes);
uint32_t llmc_plan_n_regions(const llmc_plan *plan);
uint32_t llmc_plan_n_targets(const llmc_plan *plan);
uint32_t llmc_plan_n_entries(const llmc_plan *plan);
uint32_t llmc_plan_n_segments(const llmc_plan *plan);
uint32_t llmc_plan_n_states(const llmc_plan *plan);
uint32_t llmc_plan_context_length(const llmc_plan *plan);
/* What llmc wrote the plan: its name and version. */
void llmc_plan_producer(const llmc_plan *plan, const char **text, size_t *size);
/* INVALID_ARGUMENT where there is no such thing. */
llmc_status llmc_plan_segment(const llmc_plan *plan, uint32_t segment, llmc_segment_info *out);
llmc_status llmc_plan_region(const llmc_plan *plan, uint32_t region, llmc_region_info *out);
llmc_status llmc_plan_target(const llmc_plan *plan, uint32_t target, llmc_target_info *out);
llmc_status llmc_plan_entry(const llmc_plan *plan, uint32_t entry, llmc_entry_info *out);
/* Tensor of an entry: its inputs, then its outputs. */
llmc_status llmc_plan_tensor(const llmc_plan *plan, uint32_t entry, uint32_t tensor,
                             llmc_tensor_info *out);
llmc_status llmc_plan_state(const llmc_plan *plan, uint32_t state, llmc_state_info *out);
/* NOT_FOUND where the plan describes no model. */
llmc_status llmc_plan_model(const llmc_plan *plan, llmc_model_info *out);
/* Where the tokenizer's segment stands in the source; NOT_FOUND where the plan has none. */
llmc_status llmc_plan_tokenizer(const llmc_plan *plan, uint64_t *offset, uint64_t *size);
/* Where a constant region stands in the source; NOT_FOUND where that is not one range of bytes. */
llmc_status llmc_plan_region_offset(const llmc_plan *plan, uint32_t region, uint64_t *offset);
/* A constant region: addressable in place, or copied into memory of at least its size. */
llmc_status llmc_plan_map_region(const llmc_plan *plan, uint32_t region, const void **base);
llmc_status llmc_plan_load_region(const llmc_plan *plan, uint32_t region, const llmc_memory *memory,
                                  const llmc_platform *platform);
/* The digest that a signature is made over, by the platform's SHA-256. */
llmc_status llmc_plan_root_digest(const llmc_plan *plan, const llmc_platform *platform,
                                  uint8_t out[32]);
/* Digests, by the platform's SHA-256: of the plan and the digest segment; of a segment's bytes. */
llmc_status llmc_plan_check_root(const llmc_plan *plan, const llmc_platform *platform);
/* The root, and the signature over it by the platform's hook: NOT_FOUND where there is none,
 * BAD_DIGEST where it is another's. With all segments checked, every byte that is used is signed.
 */
llmc_status llmc_plan_check_signature(const llmc_plan *plan, const llmc_platform *platform);
llmc_status llmc_plan_check_segment(const llmc_plan *plan, uint32_t segment, const void *data,
                                    const llmc_platform *platform);

/* ---- paged weights, compared with their digests as they are read -------------------------- */

/* `flash` does the reading; llmc_plan_open gets the table. */
void llmc_checked_source_init(llmc_checked_source *source, const llmc_source *flash);
const llmc_source *llmc_checked_source_table(const llmc_checked_source *source);
/* The memory with which `reads` reads can be under way; 0 for a plan without paged weights. */
llmc_status llmc_checked_source_work_bytes(const llmc_checked_source *source, const llmc_plan *plan,
                                           uint32_t reads, uint64_t *bytes);
/* From now on. Plan, platform and memory (8-aligned) stay. */
llmc_status llmc_checked_source_check(llmc_checked_source *source, const llmc_plan *plan,
                                      const llmc_platform *platform, void *memory, size_t size);

/* ---- sessions ----------------------------------------------------------------------------- */

typedef struct llmc_bindings {
  uint32_t struct_size;
  uint32_t n_memories; /* regions */
  const llmc_memory *memories;
  const llmc_device *const *devices; /* by target; NULL where there is none */
  uint32_t n_devices;
  uint32_t reserved;
  const llmc_platform *platform; /* may be NULL */
  const llmc_trace *trace;       /* may be NULL */
} llmc_bindings;

typedef struct llmc_call {
  uint32_t struct_size;
  uint32_t entry;
  const int32_t *ids; /* for an entry that takes ids */
  size_t n_ids;
  uint32_t n_tokens; /* for one that does not */
  uint32_t row;
} llmc_call;

llmc_status llmc_session_bind(llmc_session *session, const llmc_plan *plan,
                              const llmc_bindings *bindings);
llmc_status llmc_session_reset(llmc_session *session);
/* begin, then poll until it is not PENDING; or run, which does both. */
llmc_status llmc_session_begin(llmc_session *session, const llmc_call *call);
llmc_status llmc_session_poll(llmc_session *session);
llmc_status llmc_session_run(llmc_session *session, const llmc_call *call);
llmc_status llmc_session_cancel(llmc_session *session);
/* Not 0 where the last poll was pending because a device or the source is at work, and not because
 * of a yield: the CPU may sleep. */
int llmc_session_waiting(const llmc_session *session);
/* Not 0 where an entry can begin: bound, nothing under way, not poisoned. */
int llmc_session_idle(const llmc_session *session);
/* Not 0 where the entry can begin with the devices bound. */
int llmc_session_usable(const llmc_session *session, uint32_t entry);
llmc_status llmc_session_set_param(llmc_session *session, uint32_t param, uint32_t value);
uint32_t llmc_session_position(const llmc_session *session);
llmc_status llmc_session_truncate(llmc_session *session, uint32_t position);
llmc_status llmc_session_view(const llmc_session *session, uint32_t operand,
                              llmc_operand_view *out);
/* The memory of a state's buffer, made coherent for the CPU to read, or, where `written` is not 0,
 * for the devices after the CPU wrote it. UNSUPPORTED where the CPU cannot do both. */
llmc_status llmc_session_state_memory(llmc_session *session, uint32_t state, int written,
                                      llmc_memory *out);
/* After the caller filled the memory of every state: the tokens they hold. */
llmc_status llmc_session_adopt(llmc_session *session, uint32_t position);
/* Marks the session as failed, where the caller found its results wrong: only reset helps then.
 * Returns `status`. */
llmc_status llmc_session_poison(llmc_session *session, llmc_status status);

/* The core that a firmware runs on, as the device of a plan: its table, for llmc_bindings. The plan
 * stays; `stack_bytes` is what the stack has left for a kernel when a session runs. */
void llmc_baremetal_init(llmc_baremetal *device, const llmc_plan *plan, uint32_t stack_bytes);
const llmc_device *llmc_baremetal_table(const llmc_baremetal *device);

/* ---- language models ---------------------------------------------------------------------- */

typedef struct llmc_logits {
  const float *data; /* [rows][vocab], finite, valid until the next call */
  uint32_t rows;
  uint32_t vocab;
  uint32_t position; /* of the first row's token */
} llmc_logits;

/* Logits in ascending order of position; anything but OK ends the evaluation. */
typedef llmc_status (*llmc_logits_fn)(void *ctx, const llmc_logits *logits);
/* Take or give exactly n bytes; anything but OK ends saving or restoring. */
typedef llmc_status (*llmc_write_fn)(void *ctx, const void *bytes, size_t n);
typedef llmc_status (*llmc_read_fn)(void *ctx, void *bytes, size_t n);

llmc_status llmc_lm_init(llmc_lm *lm, llmc_session *session);
/* Feeds ids and waits; the logits of the last one. */
llmc_status llmc_lm_feed(llmc_lm *lm, const int32_t *ids, size_t n, llmc_logits *out);
/* The same without waiting: start, then poll until it is not PENDING, then logits. With a function,
 * it gets the logits of every position. */
llmc_status llmc_lm_start(llmc_lm *lm, const int32_t *ids, size_t n, llmc_logits_fn function,
                          void *ctx);
llmc_status llmc_lm_poll(llmc_lm *lm);
llmc_status llmc_lm_cancel(llmc_lm *lm);
void llmc_lm_logits(const llmc_lm *lm, llmc_logits *out);
uint32_t llmc_lm_position(const llmc_lm *lm);
uint32_t llmc_lm_context_length(const llmc_lm *lm);
uint32_t llmc_lm_vocab(const llmc_lm *lm);
llmc_status llmc_lm_truncate(llmc_lm *lm, uint32_t position);
llmc_status llmc_lm_reset(llmc_lm *lm);
llmc_status llmc_lm_save(llmc_lm *lm, llmc_write_fn write, void *ctx);
llmc_status llmc_lm_restore(llmc_lm *lm, llmc_read_fn read, void *ctx);
/* Starts from the first `tokens` tokens of another session of the same plan, which only reads
 * them. */
llmc_status llmc_lm_fork(llmc_lm *lm, llmc_lm *prefix, uint32_t tokens);

typedef struct llmc_sampler_options {
  float temperature; /* 0: the largest logit */
  float top_p;       /* in (0, 1] */
  uint32_t top_k;    /* 0: all */
  uint32_t reserved;
  uint64_t seed;
} llmc_sampler_options;

typedef struct llmc_candidate {
  uint32_t id;
  float weight;
} llmc_candidate;

llmc_status llmc_sampler_init(llmc_sampler *sampler, const llmc_sampler_options *options);
/* The next token from one row of logits. `scratch` has n candidates; none with temperature 0. */
llmc_status llmc_sampler_sample(llmc_sampler *sampler, const float *logits, size_t n,
                                llmc_candidate *scratch, size_t n_scratch, uint32_t *id);

/* ---- text --------------------------------------------------------------------------------- */

/* `segment`, where llmc_plan_tokenizer says, stays unchanged. Everything is verified. */
llmc_status llmc_tokenizer_open(llmc_tokenizer *tokenizer, const void *segment, size_t size);
uint32_t llmc_tokenizer_vocab(const llmc_tokenizer *tokenizer);
/* 0xFFFFFFFF: none. */
uint32_t llmc_tokenizer_bos(const llmc_tokenizer *tokenizer);
/* Not 0 where the model expects it before every text, which encoding does not do. */
int llmc_tokenizer_adds_bos(const llmc_tokenizer *tokenizer);
int llmc_tokenizer_is_eos(const llmc_tokenizer *tokenizer, uint32_t id);
int llmc_tokenizer_is_special(const llmc_tokenizer *tokenizer, uint32_t id);
/* The bytes a token stands for; none for an id that no token has. */
void llmc_tokenizer_token(const llmc_tokenizer *tokenizer, uint32_t id, const uint8_t **bytes,
                          size_t *size);

/* Words of scratch that pieces of up to so many bytes need: the text's size always suffices. */
size_t llmc_encode_scratch(size_t piece_bytes);
/* All of a text, of which as many ids as bytes always suffice. */
llmc_status llmc_encode(const llmc_tokenizer *tokenizer, const void *text, size_t size,
                        uint32_t *scratch, size_t n_scratch, uint32_t *ids, size_t n_ids,
                        size_t *count);
/* Piece by piece; tokenizer, text and scratch stay. */
void llmc_encoder_init(llmc_encoder *encoder, const llmc_tokenizer *tokenizer, const void *text,
                       size_t size, uint32_t *scratch, size_t n_scratch);
/* Valid until the next call; none at the end. TOO_SMALL: with the words that are needed as new
 * scratch, the next call goes on. */
llmc_status llmc_encoder_next(llmc_encoder *encoder, const uint32_t **ids, size_t *n);
size_t llmc_encoder_words_needed(const llmc_encoder *encoder);
void llmc_encoder_set_scratch(llmc_encoder *encoder, uint32_t *scratch, size_t n_scratch);

enum llmc_special_tokens { LLMC_KEEP_SPECIAL, LLMC_SKIP_SPECIAL };
enum llmc_invalid_bytes { LLMC_REPLACE_INVALID, LLMC_KEEP_INVALID };

/* The tokenizer stays. */
void llmc_decoder_init(llmc_decoder *decoder, const llmc_tokenizer *tokenizer, uint32_t special,
                       uint32_t invalid);
/* Bytes that always suffice for one push. */
size_t llmc_decoder_max_output(const llmc_decoder *decoder);
/* What an id completes; an incomplete character is held back until its rest comes, or the text
 * ends. */
llmc_status llmc_decoder_push(llmc_decoder *decoder, uint32_t id, void *out, size_t size,
                              size_t *written);
llmc_status llmc_decoder_finish(llmc_decoder *decoder, void *out, size_t size, size_t *written);

#ifdef __cplusplus
}
#endif

#endif
