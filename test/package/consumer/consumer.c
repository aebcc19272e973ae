/* The same in C, by the C header alone. */
#include <stdio.h>

#include "runtime/c/llmc_runtime.h"

static int failures;
static void expect(const char *what, llmc_status status, int code) {
  if (status.code == code)
    return;
  printf("%s gives %d, not %d\n", what, status.code, code);
  ++failures;
}

int main(void) {
  static const unsigned char newer[128] = {'L', 'L', 'M', 'C', 'P', 'L', 'A', 'N', 9};
  static llmc_plan plan;
  static llmc_session session;
  static llmc_lm lm;
  static llmc_sampler sampler;
  static llmc_tokenizer tokenizer;
  static llmc_baremetal core;
  llmc_source source = llmc_memory_source(newer, sizeof newer);
  llmc_sampler_options options = {0, 2, 0, 0, 0};
  llmc_call call = {sizeof call, 0, NULL, 0, 1, 0};
  expect("a plan of format 9", llmc_plan_open(&plan, &source, NULL, 0), LLMC_BAD_VERSION);
  expect("an unbound session", llmc_session_run(&session, &call), LLMC_WRONG_STATE);
  expect("tokens of an unbound session", llmc_session_adopt(&session, 1), LLMC_WRONG_STATE);
  expect("a model on an unbound session", llmc_lm_init(&lm, &session), LLMC_WRONG_STATE);
  expect("top-p of 2", llmc_sampler_init(&sampler, &options), LLMC_INVALID_ARGUMENT);
  expect("no tokenizer", llmc_tokenizer_open(&tokenizer, newer, sizeof newer), LLMC_BAD_MAGIC);
  llmc_baremetal_init(&core, &plan, 4096);
  expect("the core", llmc_baremetal_table(&core)->poll((void *)&core, 0, 0), LLMC_OK);
  return failures != 0;
}
