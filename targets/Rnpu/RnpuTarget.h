// The rnpu as a target of the compiler.
#pragma once

#include "targets/Interface/Target.h"

#include <memory>

namespace llmc::rnpu {

/// The target. A description whose kernels are dispatched one by one is none of its.
std::unique_ptr<target::Target> createTarget();

} // namespace llmc::rnpu
