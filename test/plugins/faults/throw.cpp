// What C cannot do.
#include <stdexcept>

extern "C" void throw_error() { throw std::runtime_error("no such kernel"); }
