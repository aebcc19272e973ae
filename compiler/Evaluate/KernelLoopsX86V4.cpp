#define LLMC_LOOPS kernelLoopsX86V4
#define LLMC_LOOPS_NAME "x86-64-v4"
#include "compiler/Evaluate/KernelLoops.inc"
