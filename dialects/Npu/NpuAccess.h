// What a command reads and writes, for liveness, hazards and traffic.
#pragma once

#include "dialects/Npu/Npu.h"

namespace llmc::npu {

/// One operand of a command: bytes [begin, begin + bytes) of a buffer, with every run-time argument
/// at any value.
struct BufferAccess {
  mlir::Value buffer;
  int64_t begin = 0, bytes = 0;
  bool isWrite = false;
};

/// True for npu.dma, npu.matmul and npu.chain.
bool isCommand(mlir::Operation *op);

Engine engineOf(mlir::Operation *command);

/// On-chip accesses of a command.
llvm::SmallVector<BufferAccess, 6> accessesOf(mlir::Operation *command);

/// Waits of a command, empty before synchronization.
mlir::ArrayAttr waitsOf(mlir::Operation *command);
void setWaits(mlir::Operation *command, mlir::ArrayAttr waits);

/// Short name of a command for messages.
llvm::StringRef labelOf(mlir::Operation *command);

/// Size of an element in bits.
unsigned bitsOf(Element element);

/// Bytes a transfer moves with its arguments at their maxima.
int64_t maxBytesOf(DmaOp dma);

/// All commands of a program in program order; `body` runs `trips` times.
struct CommandList {
  llvm::SmallVector<mlir::Operation *> prologue, body, epilogue;
  int64_t trips = 0;
};
CommandList commandsOf(ProgramOp program);

/// From the first to one past the last command that touches a buffer, numbered in program order.
struct AccessRange {
  uint32_t first = UINT32_MAX, last = 0;
  bool inSection[3] = {false, false, false}; ///< Prologue, body, epilogue.

  unsigned sections() const { return inSection[0] + inSection[1] + inSection[2]; }
};
llvm::DenseMap<mlir::Value, AccessRange> accessRangesOf(const CommandList &commands);

} // namespace llmc::npu
