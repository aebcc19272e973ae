#include "test/unit/runtime/c_program.h"

#include <string.h>

#ifndef C_PROGRAM
#define C_PROGRAM c_program_as_c11
#endif

/* Objects of the runtime are zeroed static memory. */
static llmc_plan plan;
static llmc_session first, second;
static llmc_lm lm, fork_of_lm;
static unsigned char snapshot[1 << 16];
static size_t snapshot_size, snapshot_read;

static llmc_status take(void *ctx, const void *bytes, size_t n) {
  llmc_status status = {LLMC_OK, 0, 0};
  (void)ctx;
  if (n > sizeof snapshot - snapshot_size)
    status.code = LLMC_IO_ERROR;
  else
    memcpy(snapshot + snapshot_size, bytes, n);
  snapshot_size += n;
  return status;
}

static llmc_status give(void *ctx, void *bytes, size_t n) {
  llmc_status status = {LLMC_OK, 0, 0};
  (void)ctx;
  memcpy(bytes, snapshot + snapshot_read, n);
  snapshot_read += n;
  return status;
}

static llmc_status count_rows(void *ctx, const llmc_logits *logits) {
  llmc_status status = {LLMC_OK, 0, 0};
  *(uint32_t *)ctx += logits->rows;
  return status;
}

static void copy_last(float *to, const llmc_logits *logits) {
  size_t before = (size_t)(logits->rows - 1) * logits->vocab;
  memcpy(to, logits->data + before, sizeof(float) * logits->vocab);
}

static llmc_status open_and_bind(const c_program_input *input, const llmc_source *source) {
  llmc_bindings bindings;
  llmc_status status = llmc_plan_open(&plan, source, NULL, 0);
  memset(&bindings, 0, sizeof bindings);
  if (status.code != LLMC_OK)
    return status;
  bindings.struct_size = sizeof bindings;
  bindings.n_memories = llmc_plan_n_regions(&plan);
  bindings.memories = input->first;
  bindings.devices = &input->first_device;
  bindings.n_devices = 1;
  status = llmc_session_bind(&first, &plan, &bindings);
  if (status.code != LLMC_OK)
    return status;
  bindings.memories = input->second;
  bindings.devices = &input->second_device;
  return llmc_session_bind(&second, &plan, &bindings);
}

/* Feeds, and feeds again by polling. */
static llmc_status run(const c_program_input *input, c_program_output *output) {
  llmc_logits logits;
  llmc_status status = llmc_lm_feed(&lm, input->ids, input->n_ids, &logits);
  if (status.code != LLMC_OK)
    return status;
  copy_last(output->fed, &logits);
  status = llmc_lm_truncate(&lm, 0);
  if (status.code == LLMC_OK)
    status = llmc_lm_start(&lm, input->ids, input->n_ids, count_rows, &output->rows_seen);
  if (status.code != LLMC_OK)
    return status;
  do
    status = llmc_lm_poll(&lm);
  while (status.code == LLMC_PENDING);
  llmc_lm_logits(&lm, &logits);
  copy_last(output->polled, &logits);
  return status;
}

/* The last token again: after saving, forgetting and restoring the rest, and in a session that
 * starts from the first one's prefix. */
static llmc_status again(const c_program_input *input, c_program_output *output) {
  llmc_logits logits;
  size_t last = input->n_ids - 1;
  llmc_status status = llmc_lm_truncate(&lm, (uint32_t)last);
  snapshot_size = snapshot_read = 0;
  if (status.code == LLMC_OK)
    status = llmc_lm_save(&lm, take, NULL);
  if (status.code == LLMC_OK)
    status = llmc_lm_reset(&lm);
  if (status.code == LLMC_OK)
    status = llmc_lm_restore(&lm, give, NULL);
  if (status.code == LLMC_OK)
    status = llmc_lm_feed(&lm, input->ids + last, 1, &logits);
  if (status.code != LLMC_OK)
    return status;
  copy_last(output->restored, &logits);
  status = llmc_lm_fork(&fork_of_lm, &lm, (uint32_t)input->prefix);
  if (status.code == LLMC_OK)
    status = llmc_lm_feed(&fork_of_lm, input->ids + input->prefix, input->n_ids - input->prefix,
                          &logits);
  if (status.code == LLMC_OK)
    copy_last(output->forked, &logits);
  return status;
}

/* The last token once more, in the second session, after the program itself carried there what the
 * first one holds. */
static llmc_status carried(const c_program_input *input, c_program_output *output) {
  llmc_logits logits;
  llmc_memory from, to;
  uint32_t i, last = (uint32_t)input->n_ids - 1;
  llmc_status status = llmc_lm_reset(&fork_of_lm);
  for (i = 0; status.code == LLMC_OK && i < llmc_plan_n_states(&plan); ++i) {
    status = llmc_session_state_memory(&first, i, 0, &from);
    if (status.code == LLMC_OK)
      status = llmc_session_state_memory(&second, i, 0, &to);
    if (status.code != LLMC_OK)
      return status;
    memcpy(to.base, from.base, (size_t)from.size);
    status = llmc_session_state_memory(&second, i, 1, &to);
  }
  if (status.code == LLMC_OK)
    status = llmc_session_adopt(&second, last);
  if (status.code == LLMC_OK)
    status = llmc_lm_feed(&fork_of_lm, input->ids + last, 1, &logits);
  if (status.code == LLMC_OK)
    copy_last(output->carried, &logits);
  return status;
}

llmc_status C_PROGRAM(const c_program_input *input, c_program_output *output) {
  llmc_source source = llmc_memory_source(input->file, input->file_size);
  llmc_sampler sampler;
  llmc_sampler_options options;
  llmc_status status = open_and_bind(input, &source);
  memset(&options, 0, sizeof options);
  if (status.code == LLMC_OK)
    status = llmc_lm_init(&lm, &first);
  if (status.code == LLMC_OK)
    status = llmc_lm_init(&fork_of_lm, &second);
  if (status.code == LLMC_OK)
    status = run(input, output);
  if (status.code == LLMC_OK)
    status = again(input, output);
  if (status.code == LLMC_OK)
    status = carried(input, output);
  options.top_p = 1;
  if (status.code == LLMC_OK)
    status = llmc_sampler_init(&sampler, &options);
  if (status.code == LLMC_OK)
    status =
        llmc_sampler_sample(&sampler, output->fed, llmc_lm_vocab(&lm), NULL, 0, &output->sampled);
  return status;
}
