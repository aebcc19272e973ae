/* A program of the runtime in C, compiled as C11 and, under other names, as C++17. */
#ifndef LLMC_TEST_UNIT_RUNTIME_C_PROGRAM_H
#define LLMC_TEST_UNIT_RUNTIME_C_PROGRAM_H

#include "runtime/c/llmc_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { C_PROGRAM_REGIONS = 16 };

/* What the program works on: a plan file, memory for every region twice, a device for each of two
 * sessions. */
typedef struct c_program_input {
  const void *file;
  uint64_t file_size;
  llmc_memory first[C_PROGRAM_REGIONS];
  llmc_memory second[C_PROGRAM_REGIONS];
  const llmc_device *first_device;
  const llmc_device *second_device;
  const int32_t *ids;
  size_t n_ids;
  size_t prefix; /* tokens that both sessions share */
} c_program_input;

/* Logits of the last token, by five ways that have to agree. */
typedef struct c_program_output {
  float *fed;
  float *polled;
  float *restored;
  float *forked;
  float *carried;
  uint32_t rows_seen; /* by the function that gets all logits */
  uint32_t sampled;
} c_program_output;

llmc_status c_program_as_c11(const c_program_input *input, c_program_output *output);
llmc_status c_program_as_cxx17(const c_program_input *input, c_program_output *output);

/* Ids of a text at once and piece by piece, and the text that they are. */
typedef struct c_text_output {
  uint32_t ids[256], pieces[256];
  size_t n_ids, n_pieces, grown; /* how often a piece needed more scratch */
  char text[1024];
  size_t text_size;
} c_text_output;

llmc_status c_text_as_c11(const void *segment, size_t size, const char *text, c_text_output *out);
llmc_status c_text_as_cxx17(const void *segment, size_t size, const char *text, c_text_output *out);

#ifdef __cplusplus
}
#endif

#endif
