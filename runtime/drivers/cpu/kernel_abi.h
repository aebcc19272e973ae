/* How the host calls a kernel that is machine code for its CPU. Shared by the code generator and
 * the device that runs the blobs; docs/format/cpu-kernels.md is the same in words.
 *
 * A blob is one kernel segment of a plan: code and constants, position independent, without
 * relocations or writable data. Kernel.offset + Kernel.entry is the address of a function of type
 * llmc_cpu_kernel in it, in the System V calling convention.
 *
 * The caller keeps:
 *  - the segment starts at a multiple of its own alignment and of LLMC_CPU_CODE_ALIGNMENT, readable
 *    and executable, never writable;
 *  - operands[i] is the address of the step's i-th operand, params all parameters of the plan;
 *  - every part of 0 ... parts - 1 is called exactly once, with the same operands and parameters,
 *    by any threads, in any order or at the same time; memory written by earlier steps is visible;
 *  - floating point rounds to nearest, denormals are neither flushed nor taken for zero, no
 *    exception traps; no tile is configured.
 * The kernel keeps:
 *  - each part writes bytes that no other part touches, and the bytes of all parts together do not
 *    depend on `parts`; a part with no work returns;
 *  - at most Kernel.stack_bytes of stack, which are at most LLMC_CPU_STACK_BYTES;
 *  - floating-point control and the direction flag are unchanged, upper halves of vector registers
 *    clear (vzeroupper) and tiles released on return;
 *  - no system call, no thread-local memory, no call out of the blob. */
#ifndef LLMC_RUNTIME_DRIVERS_CPU_KERNEL_ABI_H
#define LLMC_RUNTIME_DRIVERS_CPU_KERNEL_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LLMC_CPU_BACKEND "x86-64"
#define LLMC_CPU_KERNEL_ABI 1u     /* what Kernel.abi and the target's abi must be */
#define LLMC_CPU_DRIVER_VERSION 1u /* compared with the target's driver_min */
#define LLMC_CPU_CODE_ALIGNMENT 4096u
#define LLMC_CPU_STACK_BYTES (256u * 1024u)

typedef void (*llmc_cpu_kernel)(void *const *operands, const uint32_t *params, uint32_t part,
                                uint32_t parts);

#ifdef __cplusplus
}
#endif

#endif
