// Microcontrollers as a target of the compiler: cores that run kernels themselves, one by one.
#pragma once

#include "targets/Interface/Target.h"

#include <memory>
#include <string>
#include <vector>

namespace llmc::mcu {

/// The target with its built-in machines, then those of these description files.
/// Errors: as target::machinesOf, a description whose kernels are not dispatched one by one, an
/// `isa` that is none of McuIsa.h.
std::unique_ptr<target::Target> createTarget(const std::vector<std::string> &machineFiles,
                                             std::string &error);

} // namespace llmc::mcu
