// Statuses as sentences. Host side only: firmware reports the four bytes, and this reads them.
#ifndef LLMC_RUNTIME_SCHEMA_EXPLAIN_H
#define LLMC_RUNTIME_SCHEMA_EXPLAIN_H

#include <string>

#include "runtime/base/status.h"

namespace llmc::rt {

/// One sentence: where, what, and what to do where that is known.
std::string explain(Status status);

} // namespace llmc::rt

#endif
