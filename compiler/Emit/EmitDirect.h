// Kernels that are dispatched one by one: one blob for each variant of the machine.
#pragma once

#include "compiler/Emit/EmitKernels.h"

namespace llmc {

/// encodeKernels() for a machine whose dispatches run single kernels.
std::optional<EncodedKernels> encodeDirect(plan::FileOp file, const target::Target &target,
                                           const target::Machine &machine,
                                           const target::HostServices &host, std::string &error);

} // namespace llmc
