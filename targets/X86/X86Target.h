// The CPUs of desks and servers as a target of the compiler.
#pragma once

#include "targets/Interface/Target.h"

#include <memory>
#include <string>
#include <vector>

namespace llmc::x86 {

/// The target with its built-in machine, then those of these description files.
/// Errors: as target::machinesOf, a description whose kernels are not dispatched one by one.
std::unique_ptr<target::Target> createTarget(const std::vector<std::string> &machineFiles,
                                             std::string &error);

} // namespace llmc::x86
