// Microcontrollers as a target of the compiler: cores that run kernels themselves, one by one.
#pragma once

#include "targets/Interface/Target.h"

#include <memory>

namespace llmc::mcu {

/// The target. A description whose kernels are not dispatched one by one is none of its, nor one
/// with an `isa` that is none of McuIsa.h.
std::unique_ptr<target::Target> createTarget();

} // namespace llmc::mcu
