// An npu.program as the target interface's plain data: mechanical, field by field.
#pragma once

#include "dialects/Npu/Npu.h"
#include "targets/Interface/Program.h"

#include <vector>

namespace llmc {

/// `parameters` maps the program's arguments to those of the plan, of which there are
/// `maxima.size()`.
target::Program emitProgram(npu::ProgramOp program, const std::vector<int16_t> &parameters,
                            const std::vector<uint32_t> &maxima);

/// What a command does that is dispatched by itself.
target::KernelWork emitWork(mlir::Operation *command, const std::vector<int16_t> &parameters);

/// A kernel that is dispatched by itself, its arguments those of the plan.
target::KernelRequest emitRequest(npu::KernelOp kernel, const std::vector<int16_t> &parameters);

/// The format of packed weights as targets know it. False for formats no target decodes yet.
bool convertFormat(lm::FormatAttr format, target::WeightFormat &result);

} // namespace llmc
