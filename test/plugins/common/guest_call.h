/* What a host and its guest, a program of another instruction set under emulation, say to each
 * other: the start of the memory that they share. A byte through the guest's standard input asks
 * for what is written here, one through its standard output says that it is done. */
#ifndef LLMC_TEST_GUEST_CALL_H
#define LLMC_TEST_GUEST_CALL_H

#include <stdint.h>

enum { GUEST_OPERANDS = 256, GUEST_PARAMS = 32, GUEST_PAGE = 4096, GUEST_BLOBS = 16 };

enum guest_task {
  GUEST_LOAD = 1, /* code: makes a blob executable */
  GUEST_CALL = 2  /* a kernel of a blob that was loaded */
};

/* Offsets are from the start of the shared memory. */
typedef struct guest_call {
  uint64_t shared_bytes;
  uint32_t task;
  uint32_t blob; /* which of the blobs */
  uint64_t code, code_bytes;
  uint32_t alignment;
  uint32_t entry; /* of the kernel in its blob */
  uint32_t parts; /* run one behind the other, the last first */
  uint32_t n_operands;
  uint64_t operands[GUEST_OPERANDS];
  uint32_t params[GUEST_PARAMS];
} guest_call;

#endif
