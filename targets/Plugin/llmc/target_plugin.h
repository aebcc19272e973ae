/* What a target plugin is to llmc: plain data and functions in C, so that a plugin built by another
 * compiler, or against another LLVM, loads. Installed as "llmc/target_plugin.h";
 * docs/guides/new-target.md leads through it.
 *
 * A plugin is a shared object that exports `llmc_target_plugin`. It describes targets; llmc asks
 * them whether they take a kernel, what it costs, how its weights lie in memory, and for its code.
 * A target may bring the device that runs its plans on this machine, real or simulated.
 *
 * - Functions that return int: 1 is yes or done; 0 is no, with the reason written to `call->reason`
 *   as one sentence without a full stop. What they were to fill stays unread then.
 * - Pointers that llmc passes are valid during the call, the host table as long as the plugin.
 *   What a plugin returns by pointer must live as long as it is loaded.
 * - No function may throw through this interface. llmc calls from one thread at a time, and asks
 * the same question as often as it likes: equal questions have equal answers.
 * - llmc loads plugins in a process of its own, which it ends where a function does not return in
 *   time, and removes what is left in TMPDIR. The plugin's destructors run when it exits. Processes
 *   that a plugin starts must end with that one, however it ends (PR_SET_PDEATHSIG).
 * - Strings are UTF-8 and end with a zero byte. Sizes are bytes unless another unit is named.
 * - While the interface is 0.x, a plugin and llmc have the same version of it. Structs that start
 *   with `struct_size` grow at their end between versions that load each other; the others never.
 */
#ifndef LLMC_TARGET_PLUGIN_H
#define LLMC_TARGET_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "llmc/target_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LLMC_TARGET_PLUGIN_VERSION_MAJOR 0u
#define LLMC_TARGET_PLUGIN_VERSION_MINOR 1u

/* ---- Machines ---- */

enum llmc_memory_kind {
  LLMC_MEMORY_SRAM = 0,
  LLMC_MEMORY_DRAM = 1,
  LLMC_MEMORY_FLASH_XIP = 2,
  LLMC_MEMORY_FLASH_PAGED = 3
};

/* Rates are bytes a core clock cycle, latencies core clock cycles. */
typedef struct llmc_machine_memory {
  const char *name;
  uint64_t bytes;
  uint32_t kind; /* llmc_memory_kind */
  uint32_t alignment;
  double read_bytes_per_cycle, write_bytes_per_cycle; /* sustained */
  uint32_t read_latency, write_latency;
} llmc_machine_memory;

enum llmc_dispatch_kind {
  LLMC_DISPATCH_STREAM = 0, /* a whole entry as a command stream; kernels work in SRAM */
  LLMC_DISPATCH_KERNEL = 1  /* one kernel, which addresses every memory directly */
};

/* A machine description as llmc read it: `json` has all of it, the members what most targets need.
 */
typedef struct llmc_machine {
  uint32_t struct_size;
  uint32_t dispatch; /* llmc_dispatch_kind */
  const char *name;
  const char *isa; /* may be empty */
  const char *json;
  const uint8_t *digest; /* 32 bytes: what plans name the machine by */
  double clock_hz;
  const llmc_machine_memory *memories;
  uint32_t n_memories;
  uint32_t mac_per_cycle_i8, mac_per_cycle_f16, gemv_mac_per_cycle;
  uint32_t vector_lanes, vector_max_steps;
  uint32_t launch_cycles;
  uint32_t head_rows;
  const uint32_t *prefill_chunks; /* descending */
  uint32_t n_prefill_chunks;
} llmc_machine;

/* ---- Services ---- */

/* Takes text or bytes; may be called several times, pieces are joined. */
typedef struct llmc_sink {
  void *ctx;
  void (*write)(void *ctx, const void *data, size_t size);
} llmc_sink;

/* Takes a kernel blob: position-independent bytes, and an entry point for each kernel in their
 * order. stack_bytes 0: the variant's. */
typedef struct llmc_blob_sink {
  void *ctx;
  void (*code)(void *ctx, const void *data, size_t size, uint32_t alignment);
  void (*entry)(void *ctx, uint32_t offset, uint32_t stack_bytes);
} llmc_blob_sink;

enum llmc_dot_kind {
  LLMC_DOT_NONE = 0, /* sums along rows, as LLVM finds them best */
  LLMC_DOT_VMLADAVA = 1,
  LLMC_DOT_MADD_UBS = 2,
  LLMC_DOT_VPDPBUSD = 3,
  LLMC_DOT_TDPBSUD = 4,
  LLMC_DOT_DESCRIBED = 5 /* what llmc_isa_table.products says */
};

/* An instruction that adds to each of several int32 the products of four neighbouring int8 of two
 * vectors, as the LLVM intrinsic for it: (sums, weights, activations) -> sums. */
typedef struct llmc_dot_instruction {
  const char *intrinsic;     /* "llvm.aarch64.neon.sdot.v4i32.v16i8" */
  uint32_t lanes;            /* sums: 4, 8, 16 or 32 */
  uint32_t words;            /* 1: takes its vectors as int32, one a lane, not as int8 */
  uint32_t unsigned_weights; /* 1: its weights are u8; activations always are s8 */
  uint32_t returns_products; /* 1: takes no sums to add to */
} llmc_dot_instruction;

/* An instruction set, for lower_llvm. */
typedef struct llmc_isa_table {
  uint32_t struct_size;
  uint32_t dot;         /* llmc_dot_kind */
  const char *name;     /* for messages */
  const char *triple;   /* "aarch64-unknown-none-elf" */
  const char *cpu;      /* as LLVM spells it */
  const char *features; /* "+dotprod" */
  const char *abi;      /* may be empty */
  uint32_t vector_bits;
  uint32_t code_model;         /* 0: the default, 1: small, 2: medium */
  uint32_t half_conversion;    /* 1: has instructions between fp16 and fp32 */
  uint32_t fused_multiply_add; /* 1: in vectors of fp32 */
  uint32_t soft_float;         /* 1: has no fp32; the blob brings the functions */
  uint32_t stack_bytes;        /* the most a kernel may take, at most 256 KiB */
  uint32_t blob_alignment;     /* a power of two */
  uint32_t reserved;
  llmc_dot_instruction products; /* LLMC_DOT_DESCRIBED only */
} llmc_isa_table;

struct llmc_target_call;
struct llmc_weight_shape;
struct llmc_weights;

/* What llmc does for targets. */
typedef struct llmc_host {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* Kernels as relocation-free machine code of an instruction set. Only during emit_kernels. Each
   * is a function (void *const *operands, const uint32_t *arguments, uint32_t part, uint32_t parts)
   * of which every part of 0 ... parts - 1 is called once; docs/format/cpu-kernels.md has the
   * rules. */
  int (*lower_llvm)(const struct llmc_target_call *call, const llmc_kernel *kernels,
                    uint32_t n_kernels, const llmc_isa_table *isa, const llmc_blob_sink *blob);
  /* Answers to pass on, of targets whose kernels lower_llvm makes for an instruction set of
   * LLMC_DOT_NONE, LLMC_DOT_VMLADAVA or LLMC_DOT_DESCRIBED: whether it has code for a kernel, and
   * how weights and packed rows lie in memory for it, docs/format/row-weights.md. At any time. */
  int (*rows_supports)(const struct llmc_target_call *call, const llmc_kernel *kernel,
                       const llmc_isa_table *isa);
  int (*rows_packed_bytes)(const struct llmc_target_call *call,
                           const struct llmc_weight_shape *shape, uint64_t *bytes);
  int (*rows_pack)(const struct llmc_target_call *call, const struct llmc_weights *weights,
                   uint8_t *out, uint64_t bytes);
  int (*rows_packed_rows_bytes)(const struct llmc_target_call *call, const llmc_pack_rows *rows,
                                uint64_t *bytes);
} llmc_host;

/* ---- Targets ---- */

/* What every function of a target is given. */
typedef struct llmc_target_call {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx; /* llmc_target.ctx */
  const llmc_host *host;
  const llmc_machine *machine; /* one of this target; NULL where code is disassembled */
  const llmc_sink *reason;
} llmc_target_call;

/* What the compiler must know beforehand. Filled with the defaults before the call. */
typedef struct llmc_properties {
  uint32_t struct_size;
  uint32_t row_granule; /* rows of a weight tile are a multiple of it, the last tile aside; 1 */
  uint32_t dynamic_activations; /* 1: int8 a row, scale computed at run time */
  uint32_t float_vectors;       /* 1: norms, softmax and residual in fp32 */
} llmc_properties;

typedef struct llmc_weight_shape {
  llmc_weight_format format;
  uint32_t rows, columns;
} llmc_weight_shape;

/* Unpacked weights; which arrays are there depends on the scale kind. */
typedef struct llmc_weights {
  llmc_weight_shape shape;
  const int8_t *elements;      /* [rows, columns], one a byte, of either element type */
  const float *row_scales;     /* [rows] */
  const uint8_t *multipliers;  /* [rows, groups], 1 to 16 */
  const uint16_t *half_scales; /* [rows, groups] */
  const float *group_scales;   /* [rows, groups] */
} llmc_weights;

/* A transfer of `runs` runs of bytes between SRAM and another memory. */
typedef struct llmc_transfer {
  uint64_t bytes, runs;
  uint32_t space;   /* llmc_space, the one that is not SRAM */
  uint32_t is_load; /* 1: to SRAM */
} llmc_transfer;

/* One of several kinds of code for a machine; a plan has them all and the device picks. */
typedef struct llmc_variant {
  const char *name;     /* "avx512"; empty where there is one */
  uint32_t abi;         /* version of the kernels' calling convention */
  uint32_t driver_min;  /* smallest driver that may run it */
  uint32_t stack_bytes; /* the most a kernel takes */
  uint32_t reserved;
} llmc_variant;

/* What a simulated device did since it was opened, or since clear. */
typedef struct llmc_device_figures {
  uint32_t struct_size;
  uint32_t n_memories; /* entries of the two arrays, in the order of the machine's memories */
  uint64_t cycles;
  uint64_t sram_peak_bytes;
  uint64_t read_bytes[8], written_bytes[8];
  uint64_t engine_busy_cycles[LLMC_ENGINE_COUNT];
  uint64_t macs_i8, macs_f16;
  double energy_low, energy_nominal, energy_high; /* pJ */
} llmc_device_figures;

struct llmc_device; /* runtime/base/device.h of the runtime package */

/* A device that runs this target's plans on the machine that llmc runs on. */
typedef struct llmc_opened_device {
  uint32_t struct_size;
  uint32_t reserved;
  void *handle;
  const struct llmc_device *table; /* valid until close */
  const char *isa;                 /* "simulated", or the instruction set in use */
  /* Both optional: of simulated machines, whose time is theirs. */
  int (*figures)(void *handle, llmc_device_figures *figures);
  void (*clear_figures)(void *handle);
  /* Optional. What the last call that failed has to say. */
  void (*error)(void *handle, const llmc_sink *text);
  void (*close)(void *handle);
} llmc_opened_device;

typedef struct llmc_target {
  uint32_t struct_size;
  uint32_t n_machines;
  const char *name; /* "target" in descriptions of its machines, and in plans */
  void *ctx;
  const char *const *machines; /* descriptions, JSON as in docs/format/machine.md */

  /* Optional. Whether a description that names this target is one that it understands. */
  int (*check_machine)(const llmc_target_call *call);
  /* Optional. */
  int (*describe)(const llmc_target_call *call, llmc_properties *properties);
  /* Whether it takes the kernel. Everything it takes, it packs, emits and runs. */
  int (*supports)(const llmc_target_call *call, const llmc_kernel *kernel);
  /* Optional. Cycles of one command, waits aside; without an answer llmc estimates by the machine's
   * rates. */
  int (*cycles)(const llmc_target_call *call, const llmc_kernel *kernel, uint64_t *cycles);
  int (*transfer_cycles)(const llmc_target_call *call, const llmc_transfer *transfer,
                         uint64_t *cycles);
  /* Bytes of packed weights, in an order of the target's own. A run of whole granules is a matrix
   * of its own: packed runs of rows, one behind the other, are the packed matrix of all of them.
   *
   * Both this and pack may be left out: linear layers then read row records (target_kernels.h),
   * which llmc packs. On machines with command streams, the bytes of a granule are a multiple of
   * the memories' alignment, and a table that rows are gathered from is row records in any case,
   * since programs copy and decode parts of its rows; one that a head shares is stored in both
   * layouts.
   */
  int (*packed_bytes)(const llmc_target_call *call, const llmc_weight_shape *shape,
                      uint64_t *bytes);
  /* Writes exactly packed_bytes. */
  int (*pack)(const llmc_target_call *call, const llmc_weights *weights, uint8_t *out,
              uint64_t bytes);
  /* Optional. Bytes that a pack-rows kernel writes; 0: linear layers read rows as they are. */
  int (*packed_rows_bytes)(const llmc_target_call *call, const llmc_pack_rows *rows,
                           uint64_t *bytes);
  /* Optional: without it there is one, without a name. The least demanding first. */
  const llmc_variant *(*variants)(const llmc_target_call *call, uint32_t *n_variants);
  /* Machines with command streams: the program as code. */
  int (*emit_program)(const llmc_target_call *call, const llmc_program *program,
                      const llmc_sink *code);
  /* Machines whose kernels are dispatched one by one: all kernels of a plan as one blob. */
  int (*emit_kernels)(const llmc_target_call *call, const llmc_variant *variant,
                      const llmc_kernel *kernels, uint32_t n_kernels, const llmc_blob_sink *blob);
  /* Optional. Code as text, one command a line. */
  int (*disassemble)(const llmc_target_call *call, const uint8_t *code, uint64_t size,
                     const llmc_sink *text);
  /* Optional. Without it, plans are compiled and run elsewhere. `variant` is one of variants(). */
  int (*open_device)(const llmc_target_call *call, const char *variant, llmc_opened_device *device);
} llmc_target;

/* ---- Plugins ---- */

/* Sizes of the structs as the plugin was compiled. A compiler that lays them out otherwise, or a
 * header of another version, is found out by these before anything is read. */
#define LLMC_TARGET_PLUGIN_LAYOUT                                                                  \
  {sizeof(llmc_kernel),         sizeof(llmc_matmul),         sizeof(llmc_vector_chain),            \
   sizeof(llmc_chain_step),     sizeof(llmc_embed_rows),     sizeof(llmc_attention),               \
   sizeof(llmc_kernel_operand), sizeof(llmc_command),        sizeof(llmc_dma),                     \
   sizeof(llmc_program),        sizeof(llmc_machine),        sizeof(llmc_isa_table),               \
   sizeof(llmc_weights),        sizeof(llmc_device_figures), sizeof(llmc_opened_device),           \
   sizeof(llmc_target)}
#define LLMC_TARGET_PLUGIN_LAYOUT_SIZES 16

typedef struct llmc_plugin {
  uint32_t struct_size;
  uint32_t version_major, version_minor; /* LLMC_TARGET_PLUGIN_VERSION_* */
  uint32_t n_targets;
  uint32_t layout[LLMC_TARGET_PLUGIN_LAYOUT_SIZES];
  const char *name;    /* for messages */
  const char *version; /* of the plugin */
  const llmc_target *const *targets;
} llmc_plugin;

#if defined(_WIN32)
#define LLMC_PLUGIN_EXPORT __declspec(dllexport)
#else
#define LLMC_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

/* The only symbol that a plugin must export, and its type. */
typedef const llmc_plugin *llmc_target_plugin_entry(void);
#define LLMC_TARGET_PLUGIN_ENTRY "llmc_target_plugin"

/* Defines the entry of a plugin whose targets are an array of pointers to tables:
 * LLMC_PLUGIN("my-npu", "1.0", targets) */
#ifdef __cplusplus
#define LLMC_PLUGIN_LINKAGE extern "C"
#else
#define LLMC_PLUGIN_LINKAGE
#endif
#define LLMC_PLUGIN(NAME, VERSION, TARGETS)                                                        \
  LLMC_PLUGIN_LINKAGE LLMC_PLUGIN_EXPORT const llmc_plugin *llmc_target_plugin(void) {             \
    static const llmc_plugin plugin = {sizeof(llmc_plugin),                                        \
                                       LLMC_TARGET_PLUGIN_VERSION_MAJOR,                           \
                                       LLMC_TARGET_PLUGIN_VERSION_MINOR,                           \
                                       sizeof(TARGETS) / sizeof *(TARGETS),                        \
                                       LLMC_TARGET_PLUGIN_LAYOUT,                                  \
                                       NAME,                                                       \
                                       VERSION,                                                    \
                                       TARGETS};                                                   \
    return &plugin;                                                                                \
  }

/* Writes text to a sink; returns 0, so that `return llmc_refuse(call, "...")` refuses. */
static inline int llmc_refuse(const llmc_target_call *call, const char *reason) {
  call->reason->write(call->reason->ctx, reason, strlen(reason));
  return 0;
}

#ifdef __cplusplus
}
#endif

#endif
