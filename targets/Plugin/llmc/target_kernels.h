/* Kernels and programs as plain data: what llmc asks targets to take, and to encode. Part of
 * target_plugin.h; installed as "llmc/target_kernels.h".
 *
 * What every operation computes, to the last bit, is docs/numerics.md. Element (token, sub, column)
 * of an operand lies at address + token * token_stride + sub * sub_stride + column * element size.
 */
#ifndef LLMC_TARGET_KERNELS_H
#define LLMC_TARGET_KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum llmc_element_type {
  LLMC_ELEMENT_F32 = 0,
  LLMC_ELEMENT_F16 = 1,
  LLMC_ELEMENT_I8 = 2,
  LLMC_ELEMENT_I4 = 3,
  LLMC_ELEMENT_I32 = 4,
  LLMC_ELEMENT_U8 = 5,
  LLMC_ELEMENT_U4 = 6
};

/* How stored weights become numbers. */
enum llmc_scale_kind {
  LLMC_SCALE_F32_ROW = 0,            /* one fp32 a row */
  LLMC_SCALE_MULTIPLIER_F32_ROW = 1, /* a multiplier of 1 to 16 a group, one fp32 a row */
  LLMC_SCALE_F16_GROUP = 2,          /* one fp16 a group */
  LLMC_SCALE_F32_GROUP = 3           /* one fp32 a group, of any sign */
};

typedef struct llmc_weight_format {
  uint8_t element; /* LLMC_ELEMENT_I8 or LLMC_ELEMENT_I4 */
  uint8_t scale;   /* llmc_scale_kind */
  uint8_t reserved[2];
  uint32_t group; /* columns a group, the last may be short; 0: the whole row */
} llmc_weight_format;

/* A row record, for machines with command streams: a multiple of 16 bytes that holds the elements
 * of a row (nibbles low first), its multipliers (nibbles, m - 1, low first) right behind them, its
 * scales at a multiple of their size, and zeros. Gathered tables are sequences of them. */

/* A number that is fixed, or read from a run-time argument of which `value` is the proved maximum.
 */
typedef struct llmc_extent {
  uint32_t value;
  int32_t argument; /* index, or -1 */
} llmc_extent;

enum llmc_matmul_kind {
  /* out[m,n] = (sum_k a[m,k] * w[n,k], scaled by the format) * a_scale[m]. a: I8 [M,K]; w: packed
   * weights of N rows and K columns; out: F32. Operands: a, a_scale (F32 [M]), w, out. */
  LLMC_MATMUL_LINEAR = 0,
  /* out[m,n] = (sum_k a[m,k] * b[n,k]) * scale; F16, rows of b are positions. k ascending, one
   * accumulator. Operands: a, nothing, b, out. */
  LLMC_MATMUL_SCORES = 1,
  /* out[m,n] = sum_k a[m,k] * b[k,n]; F16, k are positions. As above. */
  LLMC_MATMUL_VALUES = 2
};

/* What a linear layer does with its sums y. A target need not take more than the first. */
enum llmc_epilogue {
  LLMC_EPILOGUE_STORE = 0, /* out[m,n] = y[m,n] */
  LLMC_EPILOGUE_ADD = 1,   /* out[m,n] = out[m,n] + y[m,n] */
  LLMC_EPILOGUE_SILU_MUL =
      2 /* the first half of the rows of w are gates: out[m,i] = silu(y[m,i]) * y[m,N/2+i] */
};

/* Rows are (token, sub): row r is token r / sub_rows, sub r % sub_rows. M = tokens * sub_rows. */
typedef struct llmc_matmul {
  uint8_t kind; /* llmc_matmul_kind */
  uint8_t epilogue;
  uint8_t accumulate; /* values: start from the content of out instead of +0 */
  uint8_t reserved;
  uint32_t sub_rows;
  llmc_extent tokens, n, k;
  llmc_weight_format format; /* linear */
  float scale;               /* scores */
} llmc_matmul;

/* Steps of a vector chain. v: a vector of `columns` fp32; s: one fp32 a row. */
enum llmc_step {
  LLMC_STEP_LOAD_MATRIX = 0, /* -> v: operand[token, sub, column] as fp32 (F32, F16, I8, I4) */
  LLMC_STEP_LOAD_ROW,        /* -> v: operand[column], the same for every row */
  LLMC_STEP_LOAD_SCALAR,     /* -> s: operand[token, sub] (F32) */
  LLMC_STEP_CONSTANT,        /* -> s: imm */
  LLMC_STEP_ADD,             /* (a, b) -> v where either is v, else s; so do the next four */
  LLMC_STEP_SUB,
  LLMC_STEP_MUL,
  LLMC_STEP_MAX,
  LLMC_STEP_MIN,
  LLMC_STEP_RECIP, /* (a) -> its kind; so do the next four */
  LLMC_STEP_RSQRT,
  LLMC_STEP_EXP,
  LLMC_STEP_SIGMOID,
  LLMC_STEP_ROUND_F16,        /* rounded as stored fp16 values are */
  LLMC_STEP_SUM_LANES,        /* (v) -> s: in the order of 16 lanes */
  LLMC_STEP_MAX_VISIBLE,      /* (v) -> s: the maximum of visible columns */
  LLMC_STEP_ABS_MAX,          /* (v) -> s: the largest magnitude */
  LLMC_STEP_KEEP_GE,          /* (a, b) -> a where b >= imm, else +0 */
  LLMC_STEP_MASK_VISIBLE,     /* (v) -> v: columns that are not visible become +0 */
  LLMC_STEP_INVERSE_SCALE,    /* (s) -> s: of the largest magnitude, the factor 127 * recip(a) */
  LLMC_STEP_ACTIVATION_SCALE, /* (s) -> s: of the largest magnitude, a * (1/127) */
  LLMC_STEP_LOAD_GROUP,       /* -> v: operand[token, sub, column / imm] as fp32 (F32, F16, U4) */
  LLMC_STEP_STORE_MATRIX,     /* (v): operand[token, sub, column] as its type (F32, F16, I8) */
  LLMC_STEP_STORE_SCALAR,     /* (s): operand[token, sub] (F32) */
  LLMC_STEP_COUNT             /* how many there are */
};

typedef struct llmc_chain_step {
  uint8_t step;    /* llmc_step */
  uint8_t a, b;    /* numbers of earlier steps */
  uint8_t operand; /* of loads and stores */
  float imm;
} llmc_chain_step;

/* Runs the steps once a row. Columns 0 ... position + first_token + token are visible, where
 * position is a run-time argument. */
typedef struct llmc_vector_chain {
  llmc_extent tokens, columns;
  uint32_t sub_rows;
  int32_t position_argument; /* or -1 */
  uint32_t first_token;
  uint32_t n_steps;
  const llmc_chain_step *steps;
} llmc_vector_chain;

/* Brings int8 activations into the order in which linear layers of the target read several rows.
 * Operands: rows (I8), packed (U8, aligned to 64). */
typedef struct llmc_pack_rows {
  llmc_extent tokens;
  uint32_t sub_rows, columns;
  uint32_t group; /* of weights with a scale a group, else 0 */
} llmc_pack_rows;

/* Gathers rows of packed weights as fp32. Operands: ids (I32), table (packed weights), out (F32).
 * `gathered`: the table holds the rows of the tokens in their order, and ids are not read. */
typedef struct llmc_embed_rows {
  llmc_extent tokens;
  uint32_t columns;
  llmc_weight_format format;
  uint32_t gathered;
} llmc_embed_rows;

/* Causal attention of a chunk over the cache, in which the chunk's keys and values are: token t
 * sees rows 0 ... position + t. Query head h reads KV head h / (heads / kv_heads). Operands:
 * queries, keys, values (F16), out (F32); heads are the sub rows, of the cache KV heads. */
typedef struct llmc_attention {
  llmc_extent tokens;
  uint32_t heads, kv_heads, head_dim;
  uint32_t capacity; /* rows of the cache, at most position + tokens */
  float scale;
  int32_t position_argument; /* or -1 */
} llmc_attention;

/* An operand as far as code depends on it. Addresses are aligned to the element. */
typedef struct llmc_kernel_operand {
  uint8_t type; /* llmc_element_type */
  uint8_t reserved[3];
  uint32_t token_stride, sub_stride;
  int32_t argument;         /* or -1: its value times argument_stride comes on top of the address */
  uint32_t argument_stride; /*        that the kernel is given */
  uint32_t reserved2;
  uint64_t bytes; /* the most that is touched from the address on; 0: not stated */
} llmc_kernel_operand;

enum llmc_kernel_kind {
  LLMC_KERNEL_CHAIN = 0,
  LLMC_KERNEL_MATMUL,
  LLMC_KERNEL_PACK_ROWS,
  LLMC_KERNEL_EMBED_ROWS,
  LLMC_KERNEL_ATTENTION
};

typedef struct llmc_kernel {
  uint32_t struct_size;
  uint32_t kind; /* llmc_kernel_kind: which of the five pointers is set */
  const llmc_vector_chain *chain;
  const llmc_matmul *matmul;
  const llmc_pack_rows *pack_rows;
  const llmc_embed_rows *embed_rows;
  const llmc_attention *attention;
  const char *name; /* unique among the kernels of one blob; empty in questions */
  const llmc_kernel_operand *operands; /* none in questions */
  uint32_t n_operands;
} llmc_kernel;

/* ---- Programs: an entry as scheduled commands, for machines with command streams ---- */

enum llmc_engine {
  LLMC_ENGINE_LOAD = 0,
  LLMC_ENGINE_STORE = 1,
  LLMC_ENGINE_TENSOR = 2,
  LLMC_ENGINE_VECTOR = 3,
  LLMC_ENGINE_COUNT
};

/* Memories as commands name them. All but SRAM are bound when the stream is dispatched: operand i
 * of the dispatch is space i. */
enum llmc_space {
  LLMC_SPACE_WEIGHTS = 0,
  LLMC_SPACE_STATE = 1,
  LLMC_SPACE_IDS = 2,
  LLMC_SPACE_IO = 3,
  LLMC_SPACE_SCRATCH = 4,
  LLMC_SPACE_SRAM = 5,
  LLMC_SPACE_COUNT
};

/* offset + arguments[argument] * argument_stride + trip * trip_stride, where trip counts the runs
 * of the body; outside it trip_stride is 0. */
typedef struct llmc_address {
  uint8_t space;
  uint8_t reserved[3];
  int32_t argument; /* or -1 */
  uint64_t offset;
  uint64_t trip_stride;
  uint32_t argument_stride;
  uint32_t reserved2;
} llmc_address;

/* An operand of a command's kernel: in SRAM. Packed weights have no strides. */
typedef struct llmc_command_operand {
  llmc_address address;
  uint8_t type;
  uint8_t reserved[3];
  uint32_t token_stride, sub_stride;
  uint32_t reserved2;
  uint64_t bytes; /* the most that is touched from the address on */
} llmc_command_operand;

/* A copy of counts[0] * counts[1] runs of bytes. With an argument, the run is arguments[..] *
 * run_unit bytes, at most its value. `gather`: run i starts at source + ids[i] * source_strides[0],
 * with int32 ids below gather_bound at this address of the ids space. */
typedef struct llmc_dma {
  llmc_address source, destination, ids;
  llmc_extent run;
  llmc_extent counts[2];
  uint64_t source_strides[2], destination_strides[2];
  uint32_t run_unit;
  uint32_t gather;
  uint32_t gather_bound;
  uint32_t reserved;
} llmc_dma;

/* Until the engine has retired value + trip * per_trip commands. */
typedef struct llmc_wait {
  int64_t value, per_trip;
  uint32_t engine;
  uint32_t reserved;
} llmc_wait;

typedef struct llmc_command {
  uint32_t engine;  /* loads and stores copy, the others run kernels: matmuls, chains */
  uint32_t id;      /* stable, for traces */
  const char *name; /* for listings */
  const llmc_dma *dma;
  const llmc_kernel *kernel;
  const llmc_command_operand *operands;
  uint32_t n_operands;
  uint32_t n_waits;
  llmc_wait waits[3]; /* at most one for each other engine */
} llmc_command;

/* In program order; an engine runs its commands in this order. */
typedef struct llmc_section {
  const llmc_command *commands;
  uint32_t n_commands;
  uint32_t reserved;
} llmc_section;

typedef struct llmc_program {
  uint32_t struct_size;
  uint32_t trips; /* runs of the body */
  const char *entry;
  const uint32_t *argument_max; /* proved maximum of each run-time argument */
  uint32_t n_arguments;
  uint32_t reserved;
  llmc_section prologue, body, epilogue;
  uint64_t sram_bytes; /* highest address used in SRAM */
} llmc_program;

#ifdef __cplusplus
}
#endif

#endif
