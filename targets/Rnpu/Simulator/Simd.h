// Function versions by instruction set, picked when the program is loaded. All versions give the
// same bits: no contraction, no reassociation.
#pragma once

#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
#define LLMC_SIMD_CLONES __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define LLMC_SIMD_CLONES
#endif
