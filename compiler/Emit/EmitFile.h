// A complete plan.file as the plan description: field by field, symbols become indices.
#pragma once

#include "compiler/Emit/PlanDescription.h"
#include "dialects/Plan/Plan.h"

namespace llmc {

/// Bytes of each segment, by symbol.
using SegmentSources = llvm::DenseMap<mlir::StringAttr, std::shared_ptr<SegmentSource>>;

/// Every kernel has its blob, and every region, segment and buffer its size; `file` verifies.
PlanDescription emitFile(plan::FileOp file, const SegmentSources &sources);

} // namespace llmc
