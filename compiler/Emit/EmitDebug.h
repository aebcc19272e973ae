// The debug segment: what people and tools want to know of a plan and no runtime needs.
#pragma once

#include "dialects/Npu/Npu.h"
#include "dialects/Plan/Plan.h"

#include <string>

namespace llmc {

/// JSON: {"kernels": [names], "buffers": [names], "metadata": {key: text}, "figures": by entry of
/// the file [{"estimated_cycles", "max_cycles", "peak_bytes": {region: bytes}}], "tokenizer":
/// {"kind", "add_bos", "chat_template"}, "entries": by program [{"name", "capacity", "sram_bytes",
/// "live_bytes", "steps", "buffers":
/// [{"name", "offset", "bytes", "first", "last", "stream"}]}]}; a buffer lives in steps [first,
/// last) of the program order, one that enters or leaves the loop in all steps of its body.
std::string describeDebug(mlir::ModuleOp module, plan::FileOp file, uint64_t capacity);

} // namespace llmc
