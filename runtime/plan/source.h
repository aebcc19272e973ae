// A source over bytes that are already addressable: a file in memory, a mapped file, flash that
// executes in place.
#ifndef LLMC_RUNTIME_PLAN_SOURCE_H
#define LLMC_RUNTIME_PLAN_SOURCE_H

#include "runtime/base/device.h"
#include "runtime/base/span.h"

namespace llmc::rt {

/// The bytes must outlive every plan opened from the table. Reads complete at once.
llmc_source memorySource(const void *bytes, uint64_t size);

} // namespace llmc::rt

#endif
