// The debug segment: what people and tools want to know of a plan and no runtime needs.
#pragma once

#include "compiler/Emit/PlanDescription.h"
#include "dialects/Npu/Npu.h"
#include "dialects/Plan/Plan.h"

#include <string>

namespace llmc {

/// JSON: {"kernels": [names], "buffers": [names], "metadata": {key: text}, "entries": [{"name",
/// "capacity", "sram_bytes", "live_bytes", "steps", "buffers":
/// [{"name", "offset", "bytes", "first", "last", "stream"}]}]}; a buffer lives in steps [first,
/// last) of the program order, one that enters or leaves the loop in all steps of its body.
std::string describeDebug(mlir::ModuleOp module, plan::FileOp file, uint64_t capacity);

/// Takes out of a plan with a debug segment what that says.
void leaveToDebug(PlanDescription &plan);

} // namespace llmc
