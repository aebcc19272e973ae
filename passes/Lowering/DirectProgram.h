// Programs of direct machines: every command becomes a kernel of its own and a dispatch of it.
#pragma once

#include "dialects/Npu/Npu.h"
#include "passes/Lowering/FileBuilder.h"

namespace llmc::passes {

/// The plan's buffers that commands address.
struct DirectMemories {
  mlir::FlatSymbolRefAttr weights, state, ids, io, scratch;
};

/// One dispatch: which of the program's kernels, on which operands of the plan.
struct DirectCall {
  size_t kernel = 0;
  llvm::SmallVector<mlir::Attribute> args;
};

struct DirectProgram {
  llvm::SmallVector<npu::KernelOp> kernels;
  llvm::SmallVector<DirectCall> prologue, body, epilogue; ///< The body runs `trips` times.
  int64_t trips = 0;
};

/// Commands that differ in nothing but their addresses share a kernel, written behind the program.
/// `counter` is the plan's loop parameter that counts trips; null where there are none.
DirectProgram outlineKernels(npu::ProgramOp program, FileBuilder &out,
                             const DirectMemories &memories, mlir::FlatSymbolRefAttr counter);

} // namespace llmc::passes
