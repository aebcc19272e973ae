#define LLMC_LOOPS kernelLoopsPortable
#define LLMC_LOOPS_NAME "portable"
#include "compiler/Evaluate/KernelLoops.inc"
