// Counts what a test program allocates by operator new.
#pragma once

#include <cstdint>

namespace llmc::test {

/// So far, by all threads.
uint64_t allocations();

} // namespace llmc::test
