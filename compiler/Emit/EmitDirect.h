// Kernels that are dispatched one by one: one blob for each variant of the machine.
#pragma once

#include "compiler/Emit/EmitKernels.h"

namespace llmc {

/// encodeKernels() for a machine whose dispatches run single kernels.
std::optional<EncodedKernels> encodeDirect(plan::FileOp file, const PlanDevices &devices,
                                           const target::HostServices &host, std::string &error);

/// Cycles of the device that runs `command` as those of the plan's machine.
uint64_t inOwnCycles(const PlanDevices &devices, mlir::Operation *command, uint64_t cycles);

} // namespace llmc
