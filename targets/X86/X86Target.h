// The CPUs of desks and servers as a target of the compiler.
#pragma once

#include "targets/Interface/Target.h"

#include <memory>

namespace llmc::x86 {

/// The target. A description whose kernels are not dispatched one by one is none of its.
std::unique_ptr<target::Target> createTarget();

} // namespace llmc::x86
