#define LLMC_LOOPS kernelLoopsX86V3
#define LLMC_LOOPS_NAME "x86-64-v3"
#include "compiler/Evaluate/KernelLoops.inc"
