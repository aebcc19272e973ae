/* The device that runs plans: a simulator, bit for bit what docs/numerics.md of llmc asks for.
 * REPLACE submit and poll by your driver, or keep it to compare your NPU with. */
#include "npu.h"

#include "runtime/base/device.h"

#include <stdlib.h>

typedef struct npu_device {
  llmc_device table;
  uint8_t machine[32]; /* digest of its description */
  const char *error;
  int8_t weights[NPU_MOST_COLUMNS]; /* the row at hand */
} npu_device;

static llmc_status fail(npu_device *self, uint8_t code, uint8_t where, const char *error) {
  self->error = error;
  return (llmc_status){code, where, 0};
}

/* A plan for another machine would have code for other memories. */
static llmc_status match(void *ctx, const llmc_target_info *info) {
  npu_device *self = ctx;
  if (!info->config || memcmp(info->config, self->machine, sizeof self->machine) != 0)
    return fail(self, LLMC_DEVICE_MISMATCH, LLMC_AT_DEVICE,
                "the plan was made for another machine, or another description of it");
  return (llmc_status){LLMC_OK, LLMC_AT_NOWHERE, 0};
}

/* A run-time argument, or `otherwise` where a number has none. One that the dispatch lacks leaves
 * every operand. */
static uint32_t argument_of(const llmc_dispatch *dispatch, int32_t index, uint32_t otherwise) {
  if (index < 0)
    return otherwise;
  return (uint32_t)index < dispatch->n_params ? dispatch->params[index] : UINT32_MAX;
}

/* An operand of a dispatch. Row r is token r / sub_rows, sub r % sub_rows. */
typedef struct npu_operand {
  uint8_t *base;
  uint64_t bytes;
  uint32_t token_stride, sub_stride, sub_rows;
} npu_operand;

static npu_operand operand_of(const npu_command *command, const llmc_dispatch *dispatch,
                              uint32_t i) {
  const llmc_kernel_operand *o = &command->operands[i];
  const llmc_operand_view *view = &dispatch->operands[i];
  const uint64_t offset = (uint64_t)argument_of(dispatch, o->argument, 0) * o->argument_stride;
  npu_operand operand = {view->base, view->size, o->token_stride, o->sub_stride,
                         command->matmul.sub_rows};
  operand.bytes = offset <= operand.bytes ? operand.bytes - offset : 0;
  operand.base += offset;
  return operand;
}

/* NULL where the row leaves the operand. */
static void *row_of(const npu_operand *o, uint64_t row, uint64_t bytes) {
  const uint64_t offset = row / o->sub_rows * o->token_stride + row % o->sub_rows * o->sub_stride;
  return offset + bytes <= o->bytes ? o->base + offset : NULL;
}

/* One output: integer products, summed per scale, the sums added in ascending order. */
static float dot(const npu_layout *l, const uint8_t *packed, uint32_t row, const int8_t *weights,
                 const int8_t *activations) {
  const uint32_t width = l->scales == 1 ? l->columns : l->group;
  float sum = 0.0f;
  for (uint32_t s = 0; s < l->scales; ++s) {
    const uint32_t end = (s + 1) * width < l->columns ? (s + 1) * width : l->columns;
    int32_t products = 0;
    for (uint32_t c = s * width; c < end; ++c)
      products += activations[c] * weights[c];
    sum += (float)products * npu_scale(l, packed, row, s);
  }
  return sum;
}

/* The linear layer. 0 where it leaves an operand. */
static int multiply(npu_device *self, const npu_command *command, const llmc_dispatch *dispatch) {
  const llmc_matmul *m = &command->matmul;
  const uint32_t tokens = argument_of(dispatch, m->tokens.argument, m->tokens.value);
  const uint32_t columns = m->k.value;
  const npu_layout layout = npu_layout_of(&m->format, columns);
  const npu_operand activations = operand_of(command, dispatch, NPU_ACTIVATIONS);
  const npu_operand scales = operand_of(command, dispatch, NPU_ACTIVATION_SCALES);
  const npu_operand weights = operand_of(command, dispatch, NPU_WEIGHTS);
  const npu_operand out = operand_of(command, dispatch, NPU_OUT);
  if (columns > NPU_MOST_COLUMNS || weights.bytes < npu_packed_bytes(&layout, m->n.value))
    return 0;
  for (uint32_t n = 0; n < m->n.value; ++n) {
    npu_unpack(&layout, weights.base, n, self->weights);
    for (uint64_t row = 0; row < (uint64_t)tokens * m->sub_rows; ++row) {
      const int8_t *a = row_of(&activations, row, columns);
      const float *scale = row_of(&scales, row, sizeof *scale);
      float *result = row_of(&out, row, ((uint64_t)n + 1) * sizeof *result);
      if (!a || !scale || !result)
        return 0;
      const float y = dot(&layout, weights.base, n, self->weights, a) * *scale;
      result[n] = y;
    }
  }
  return 1;
}

/* Starts a kernel. This one is done when the function returns. */
static llmc_status submit(void *ctx, const llmc_dispatch *dispatch) {
  npu_device *self = ctx;
  npu_command command = {0};
  if (dispatch->entry <= dispatch->code_size &&
      dispatch->code_size - dispatch->entry >= sizeof command)
    memcpy(&command, (const uint8_t *)dispatch->code + dispatch->entry, sizeof command);
  if (command.command != NPU_COMMAND || dispatch->n_operands != NPU_OPERANDS)
    return fail(self, LLMC_DEVICE_FAULT, LLMC_AT_KERNEL, "the kernel is no command of this NPU");
  if (!multiply(self, &command, dispatch))
    return fail(self, LLMC_DEVICE_FAULT, LLMC_AT_KERNEL, "the kernel leaves an operand");
  return (llmc_status){LLMC_OK, LLMC_AT_NOWHERE, 0};
}

/* Whether everything up to `tag` is done. */
static llmc_status poll(void *ctx, uint32_t queue, uint32_t tag) {
  (void)ctx;
  (void)queue;
  (void)tag;
  return (llmc_status){LLMC_OK, LLMC_AT_NOWHERE, 0};
}

static void tell_error(void *handle, const llmc_sink *text) {
  const npu_device *self = handle;
  text->write(text->ctx, self->error, strlen(self->error));
}

int npu_open_device(const llmc_target_call *call, const char *variant, llmc_opened_device *device) {
  (void)variant;
  npu_device *self = calloc(1, sizeof *self);
  if (!self)
    return llmc_refuse(call, "there is no memory for the simulator");
  self->table = (llmc_device){.struct_size = sizeof self->table,
                              .abi = LLMC_DEVICE_ABI,
                              .ctx = self,
                              .match = match,
                              .submit = submit,
                              .poll = poll};
  memcpy(self->machine, call->machine->digest, sizeof self->machine);
  self->error = "";
  device->handle = self;
  device->table = &self->table;
  device->isa = "simulated";
  device->error = tell_error;
  device->close = free;
  return 1;
}
