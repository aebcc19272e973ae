// The C program once more, as C++17.
#define C_PROGRAM c_program_as_cxx17
#include "test/unit/runtime/c_program.c"
