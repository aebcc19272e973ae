// The C programs once more, as C++17.
#define C_PROGRAM c_program_as_cxx17
#define C_TEXT c_text_as_cxx17
#include "test/unit/runtime/c_program.c"
#include "test/unit/runtime/c_text.c"
