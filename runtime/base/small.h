// Functions that run once or seldom, between BEGIN and END outside of functions: in a build for
// size they are as small as they can be.
#ifndef LLMC_RUNTIME_BASE_SMALL_H
#define LLMC_RUNTIME_BASE_SMALL_H

#if defined(__clang__) && defined(__OPTIMIZE_SIZE__)
#define LLMC_SMALL_BEGIN                                                                           \
  _Pragma("clang attribute push(__attribute__((minsize)), apply_to = function)")
#define LLMC_SMALL_END _Pragma("clang attribute pop")
#else // GCC has no attribute for it, and other builds want speed
#define LLMC_SMALL_BEGIN
#define LLMC_SMALL_END
#endif

#endif
