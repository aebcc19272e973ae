// How much memory this process has held.
#pragma once

#include <cstdint>

namespace llmc {

/// The most bytes that were resident at once, mapped files included (VmHWM). 0 where the system
/// does not say. (What getrusage gives is inherited from whoever started the process.)
uint64_t peakRssBytes();

} // namespace llmc
