// A weights segment: every npu.constant packed by the target that reads it, produced while it is
// written.
#pragma once

#include "compiler/Emit/PlanDescription.h"
#include "compiler/Emit/PlanDevices.h"
#include "dialects/Npu/Npu.h"

#include <memory>
#include <string>

namespace llmc {

/// The constants that are `paged`, or those that are not. Null with `error` set where a constant's
/// weights are not at hand, or the target packs another size than was planned. The module must
/// outlive the source.
std::shared_ptr<SegmentSource> weightsSegment(mlir::ModuleOp module, bool paged,
                                              const PlanDevices &devices, std::string &error);

} // namespace llmc
