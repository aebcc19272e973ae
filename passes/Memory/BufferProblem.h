// The on-chip buffers of a program as a problem of placing them together.
#pragma once

#include "dialects/Npu/NpuAccess.h"
#include "passes/Algorithms/SramProblem.h"

namespace llmc::passes {

/// Kernels read vectors of this many bytes; also a multiple of every transfer alignment in use.
inline constexpr uint64_t kBufferAlignment = 64;

struct BufferProblem {
  SramProblem problem;
  llvm::SmallVector<npu::BufferOp> buffers;   ///< Those that commands touch; one for each item.
  llvm::SmallVector<npu::AccessRange> ranges; ///< One for each item.
};

BufferProblem bufferProblemOf(npu::ProgramOp program, const npu::CommandList &commands,
                              uint64_t capacity);

} // namespace llmc::passes
