// Values that leave the chip because it cannot hold them: which, and where they lie in scratch.
#pragma once

#include "passes/Tiling/ProgramBuilder.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace llmc::passes {

/// Values of lm functions whose rows are kept in scratch.
using StagedValues = llvm::DenseSet<mlir::Value>;

/// The values whose rows each buffer holds: several where one replaces another in place.
using BufferHolders = llvm::DenseMap<mlir::Value, llvm::SmallSetVector<mlir::Value, 4>>;

/// The values of the largest buffer that can be staged, of those that live at the fullest command.
/// Empty where all buffers have places in `capacity` bytes, or none of those can be staged.
llvm::ArrayRef<mlir::Value> valuesToStage(npu::ProgramOp program, const BufferHolders &holders,
                                          npu::TargetAttr target, int64_t capacity);

/// Lets tensors that do not live together share bytes of scratch, and states what the program uses
/// of it.
mlir::LogicalResult placeScratch(npu::ProgramOp program, llvm::ArrayRef<ScratchTensor> tensors);

} // namespace llmc::passes
