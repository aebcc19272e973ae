/* The runtime in C: what other languages bind to, and firmware written in C uses.
 *
 * It mirrors the C++ classes Plan, Session, Lm and Sampler, which say more about each function
 * (runtime/plan/plan.h, runtime/exec/session.h, runtime/lm/lm.h, runtime/lm/sampler.h). Objects are
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
#define LLMC_RUNTIME_API_MINOR 2

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
uint32_t llmc_plan_context_length(const llmc_plan *plan);
/* INVALID_ARGUMENT where there is no such thing. */
llmc_status llmc_plan_region(const llmc_plan *plan, uint32_t region, llmc_region_info *out);
llmc_status llmc_plan_target(const llmc_plan *plan, uint32_t target, llmc_target_info *out);
llmc_status llmc_plan_entry(const llmc_plan *plan, uint32_t entry, llmc_entry_info *out);
/* Tensor of an entry: its inputs, then its outputs. */
llmc_status llmc_plan_tensor(const llmc_plan *plan, uint32_t entry, uint32_t tensor,
                             llmc_tensor_info *out);
/* NOT_FOUND where the plan describes no model. */
llmc_status llmc_plan_model(const llmc_plan *plan, llmc_model_info *out);
/* Where the tokenizer's segment stands in the source; NOT_FOUND where the plan has none. */
llmc_status llmc_plan_tokenizer(const llmc_plan *plan, uint64_t *offset, uint64_t *size);
/* A constant region: addressable in place, or copied into memory of at least its size. */
llmc_status llmc_plan_map_region(const llmc_plan *plan, uint32_t region, const void **base);
llmc_status llmc_plan_load_region(const llmc_plan *plan, uint32_t region, const llmc_memory *memory,
                                  const llmc_platform *platform);
/* Digests, by the platform's SHA-256: of the plan and the digest segment; of a segment's bytes. */
llmc_status llmc_plan_check_root(const llmc_plan *plan, const llmc_platform *platform);
/* The root, and the signature over it by the platform's hook: NOT_FOUND where there is none,
 * BAD_DIGEST where it is another's. With all segments checked, every byte that is used is signed.
 */
llmc_status llmc_plan_check_signature(const llmc_plan *plan, const llmc_platform *platform);
llmc_status llmc_plan_check_segment(const llmc_plan *plan, uint32_t segment, const void *data,
                                    const llmc_platform *platform);

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
llmc_status llmc_session_set_param(llmc_session *session, uint32_t param, uint32_t value);
uint32_t llmc_session_position(const llmc_session *session);
llmc_status llmc_session_truncate(llmc_session *session, uint32_t position);
llmc_status llmc_session_view(const llmc_session *session, uint32_t operand,
                              llmc_operand_view *out);

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

#ifdef __cplusplus
}
#endif

#endif
