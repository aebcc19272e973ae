/* What the sources of this plugin share: how weights lie in memory, and what a kernel is once it
 * is encoded. */
#ifndef NPU_H
#define NPU_H

#include "llmc/target_plugin.h"

/* Rows that the matrix unit takes at once, and columns up to which their sums fit its int32. */
#define NPU_PANEL_ROWS 8u
#define NPU_MOST_COLUMNS 131072u

/* Weights lie in panels of rows. Each row is its elements, its multipliers and its scales, in words
 * of four bytes; of a panel the first words of all rows come first, then the second words, and so
 * on. Rows that a panel lacks are zeros. REPLACE by the order in which your NPU reads weights. */
typedef struct npu_layout {
  uint32_t columns;
  uint32_t bits;          /* of an element: 4 or 8 */
  uint32_t group, groups; /* columns that share a multiplier or a scale; how many such groups */
  uint32_t multipliers;   /* bytes of a row's multipliers, one a group or none */
  uint32_t scales;        /* of a row: one, or one a group */
  uint32_t scale_bytes;   /* 4: fp32, 2: fp16 */
  uint32_t multipliers_at, scales_at, row_bytes; /* offsets in a row, and its size */
} npu_layout;

npu_layout npu_layout_of(const llmc_weight_format *format, uint32_t columns);
uint64_t npu_packed_bytes(const npu_layout *layout, uint32_t rows);
void npu_pack(const npu_layout *layout, const llmc_weights *weights, uint8_t *packed);

/* What the NPU reads back: a row's integers, times their multipliers, and one of its scales. */
void npu_unpack(const npu_layout *layout, const uint8_t *packed, uint32_t row, int8_t *elements);
float npu_scale(const npu_layout *layout, const uint8_t *packed, uint32_t row, uint32_t scale);

/* A linear layer as the NPU takes it. REPLACE by the commands of yours. A plan has their bytes, and
 * they may be anywhere: no pointers, no padding. */
#define NPU_COMMAND 0x31555049u
enum { NPU_ACTIVATIONS, NPU_ACTIVATION_SCALES, NPU_WEIGHTS, NPU_OUT, NPU_OPERANDS };
typedef struct npu_command {
  uint32_t command; /* NPU_COMMAND */
  llmc_matmul matmul;
  llmc_kernel_operand operands[NPU_OPERANDS];
} npu_command;

/* llmc_target.open_device */
int npu_open_device(const llmc_target_call *call, const char *variant, llmc_opened_device *device);

#endif
