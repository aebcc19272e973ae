// Whether a target takes every kernel of a program, asked before any is encoded.
#pragma once

#include "dialects/Npu/Npu.h"
#include "targets/Interface/Target.h"

#include <string>

namespace llmc {

/// The first kernel of `op`, emitted as `program`, that the target refuses: which, where, why and
/// what to do. Empty where it takes all.
std::string unsupportedKernel(npu::ProgramOp op, const target::Program &program,
                              const target::Target &target, const target::Machine &machine);

/// The same of a kernel that is dispatched by itself.
std::string unsupportedKernel(npu::KernelOp op, const target::KernelRequest &request,
                              const target::Target &target, const target::Machine &machine);

} // namespace llmc
