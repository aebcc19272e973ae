// Whether a device takes every kernel of a program, asked before any is encoded.
#pragma once

#include "compiler/Emit/PlanDevices.h"
#include "dialects/Npu/Npu.h"

#include <string>

namespace llmc {

/// The reason of what is not supported is never empty; transfers are no kernels.
target::Verdict verdictOn(const target::Command &command, const PlanDevice &device);
target::Verdict verdictOn(const target::KernelWork &work, const PlanDevice &device);

/// The first kernel of `op`, emitted as `program`, that the target refuses: which, where, why and
/// what to do. Empty where it takes all.
std::string unsupportedKernel(npu::ProgramOp op, const target::Program &program,
                              const PlanDevice &device);

/// The same of a kernel that is dispatched by itself.
std::string unsupportedKernel(npu::KernelOp op, const target::KernelRequest &request,
                              const PlanDevice &device);

} // namespace llmc
