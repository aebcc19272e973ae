/* What the runtime asks of its surroundings, as plain C tables: devices, the source of plan bytes,
 * the platform, tracing.
 *
 * Every table starts with `struct_size` and `abi`. A table may be longer than this header knows (a
 * newer caller) or, from a later runtime's view, shorter (an older caller): members appended after
 * the first version count as NULL there. Members marked optional may be NULL. No table function may
 * throw, and
 * none may keep a pointer to its arguments after it returns, except code, operand memory and region
 * memory, which stay valid until the session is unbound. */
#ifndef LLMC_RUNTIME_BASE_DEVICE_H
#define LLMC_RUNTIME_BASE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LLMC_DEVICE_ABI 1u
#define LLMC_SOURCE_ABI 1u
#define LLMC_PLATFORM_ABI 1u
#define LLMC_TRACE_ABI 1u

/* Bytes of a table up to and with its member `last`. */
#define LLMC_BYTES_UP_TO(table, last) (offsetof(table, last) + sizeof(((table *)0)->last))
/* What abi 1 of every table holds at least; what is appended later may be missing. */
#define LLMC_DEVICE_BYTES_1 LLMC_BYTES_UP_TO(llmc_device, remap)
#define LLMC_SOURCE_BYTES_1 LLMC_BYTES_UP_TO(llmc_source, poll)
#define LLMC_PLATFORM_BYTES_1 LLMC_BYTES_UP_TO(llmc_platform, host_call)
#define LLMC_TRACE_BYTES_1 LLMC_BYTES_UP_TO(llmc_trace, event)

enum llmc_access { LLMC_READ = 1, LLMC_WRITE = 2 };

/* Numbers of the first parameters; derived and loop parameters follow. */
enum llmc_param { LLMC_P_POS = 0, LLMC_P_N_TOKENS = 1, LLMC_P_KV_LEN = 2 };

/* One region's memory, as the caller gave it to bind. */
typedef struct llmc_memory {
  void *base;
  uint64_t size;
} llmc_memory;

/* An operand with its address worked out: it lies inside its region, proved when the plan was
 * opened. */
typedef struct llmc_operand_view {
  void *base;      /* CPU address of the first byte */
  size_t size;     /* bytes that may be touched from base on */
  uint16_t region; /* index among the plan's regions */
  uint8_t access;  /* LLMC_READ | LLMC_WRITE */
  uint8_t move;    /* index among the plan's moves, 255: static */
} llmc_operand_view;

/* One kernel run. A command-stream target gets one dispatch per entry, with one operand per base
 * address. */
typedef struct llmc_dispatch {
  uint32_t queue;
  uint32_t kernel; /* index among the plan's kernels */
  const void *code;
  size_t code_size;
  const llmc_operand_view *operands;
  uint32_t n_operands;
  uint32_t n_params;
  const uint32_t
      *params;    /* P[0] = pos, P[1] = n_tokens, P[2] = kv_len, then derived and loop parameters */
  uint32_t tag;   /* grows by one per submit or dma on a queue; what poll is asked for */
  uint32_t entry; /* where the kernel begins in code */
} llmc_dispatch;

/* A copy of `rows` rows of `row_bytes`; a 1-D copy has one row. */
typedef struct llmc_dma_request {
  uint32_t queue;
  uint32_t tag;
  llmc_operand_view src;
  llmc_operand_view dst;
  uint32_t row_bytes;
  uint32_t rows;
  uint32_t src_pitch; /* bytes between the starts of two rows */
  uint32_t dst_pitch;
} llmc_dma_request;

/* What the plan was compiled for; strings are not terminated. */
typedef struct llmc_target_info {
  const char *backend; /* for example "rnpu" */
  size_t backend_size;
  const char *device; /* machine description, for example "rnpu-soc" */
  size_t device_size;
  const char *variant; /* ISA variant, for example "avx512"; empty where there is one */
  size_t variant_size;
  uint32_t abi;        /* version of the kernels' calling convention */
  uint32_t driver_min; /* smallest driver version that may run it */
  const uint8_t
      *config; /* 32 bytes: digest of the machine description; NULL where the plan has none */
} llmc_target_info;

typedef struct llmc_device {
  uint32_t struct_size;
  uint32_t abi;
  void *ctx;
  /* Can this device run a plan made for `target`? Called once in bind. */
  llmc_status (*match)(void *ctx, const llmc_target_info *target);
  /* Optional. The memory of every region, in the plan's order. Called once in bind, after match. */
  llmc_status (*attach)(void *ctx, const llmc_memory *regions, uint32_t n_regions);
  /* Optional. Called in bind once per kernel: pre-load, map executable, check. */
  llmc_status (*load)(void *ctx, uint32_t kernel, const void *code, size_t code_size);
  /* Starts a kernel; OK, or an error. Work of one queue completes in order. */
  llmc_status (*submit)(void *ctx, const llmc_dispatch *dispatch);
  /* Optional: only plans with dma steps need it. */
  llmc_status (*dma)(void *ctx, const llmc_dma_request *request);
  /* OK once everything up to `tag` on `queue` is done, PENDING, or an error. Never blocks. */
  llmc_status (*poll)(void *ctx, uint32_t queue, uint32_t tag);
  /* Optional. Stops a queue; memory written by unfinished work is undefined afterwards. */
  llmc_status (*cancel)(void *ctx, uint32_t queue);
  /* Optional. Back to the state after attach and load. */
  llmc_status (*reset)(void *ctx);
  /* Optional. Cache maintenance on exact ranges: clean before the device reads, invalidate before
   * the CPU reads. */
  void (*clean)(void *ctx, void *base, size_t size);
  void (*invalidate)(void *ctx, void *base, size_t size);
  /* Optional. CPU address to device address; drivers call it, the runtime passes CPU addresses. */
  uint64_t (*remap)(void *ctx, const void *address, uint16_t region);
} llmc_device;

/* Where the plan's bytes come from: memory, a mapped file, flash in place, flash behind a
 * controller. */
typedef struct llmc_source {
  uint32_t struct_size;
  uint32_t abi;
  void *ctx;
  uint64_t size; /* bytes of the whole file */
  /* Makes a range addressable in place; UNSUPPORTED where the source cannot. */
  llmc_status (*map)(void *ctx, uint64_t offset, size_t size, const void **out);
  /* Optional. Starts a read into dst; poll says when it is done. Reads complete in order. PENDING:
   * there is no room for one more, and the same read is asked for again. */
  llmc_status (*read_async)(void *ctx, uint64_t offset, size_t size, void *dst, uint32_t tag);
  llmc_status (*poll)(void *ctx, uint32_t tag);
} llmc_source;

typedef struct llmc_platform {
  uint32_t struct_size;
  uint32_t abi;
  void *ctx;
  /* All optional. */
  uint64_t (*ticks)(void *ctx);
  void (*idle)(void *ctx); /* called by run between polls: wait for an interrupt, yield a thread */
  llmc_status (*sha256)(void *ctx, const void *data, size_t size, uint8_t out[32]);
  llmc_status (*verify_signature)(void *ctx, const uint8_t root[32], const uint8_t *signature,
                                  size_t size);
  /* A host-call step: function `id`, operands as the plan states them. */
  llmc_status (*host_call)(void *ctx, uint32_t id, const llmc_operand_view *operands,
                           uint32_t n_operands, const uint32_t *params, uint32_t n_params);
} llmc_platform;

enum llmc_trace_phase { LLMC_TRACE_BEGIN = 0, LLMC_TRACE_END = 1, LLMC_TRACE_STALL = 2 };

typedef struct llmc_trace {
  uint32_t struct_size;
  uint32_t abi;
  void *ctx;
  /* `ticks` is 0 where the platform has no clock. `value` is the tag, loop count or mark id. */
  void (*event)(void *ctx, uint32_t step, uint8_t op, uint8_t phase, uint32_t value,
                uint64_t ticks);
} llmc_trace;

#ifdef __cplusplus
}
#endif

#endif
