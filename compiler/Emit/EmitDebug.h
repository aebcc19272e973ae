// The debug segment: what the on-chip memory of every entry holds, for `llmc inspect --memory`.
#pragma once

#include "dialects/Npu/Npu.h"

#include <string>

namespace llmc {

/// JSON: {"entries": [{"name", "capacity", "sram_bytes", "live_bytes", "steps", "buffers":
/// [{"name", "offset", "bytes", "first", "last", "stream"}]}]}; a buffer lives in steps [first,
/// last) of the program order, one that enters or leaves the loop in all steps of its body.
std::string describeMemory(mlir::ModuleOp module, uint64_t capacity);

} // namespace llmc
