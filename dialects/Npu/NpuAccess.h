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

/// True for what an engine or a dispatch executes.
bool isCommand(mlir::Operation *op);

/// What a kernel consists of.
mlir::Operation *commandOf(KernelOp kernel);

Engine engineOf(mlir::Operation *command);

/// Accesses of a command to buffers.
llvm::SmallVector<BufferAccess, 6> accessesOf(mlir::Operation *command);

/// The access of each operand of a kernel; null for a transfer.
mlir::ArrayAttr operandAccessesOf(mlir::Operation *command);

/// Waits of a command, empty before synchronization.
mlir::ArrayAttr waitsOf(mlir::Operation *command);
void setWaits(mlir::Operation *command, mlir::ArrayAttr waits);

/// Short name of a command, buffer or view for messages.
llvm::StringRef labelOf(mlir::Operation *op);

/// Bytes of a buffer or view.
int64_t bytesOf(mlir::Value buffer);

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

/// From the first to one past the last command that touches something, numbered in program order
/// with the body once. What enters or leaves the loop lives through all of its trips, so its range
/// holds the whole body.
struct AccessRange {
  uint32_t first = UINT32_MAX, last = 0;
  bool inSection[3] = {false, false, false}; ///< Prologue, body, epilogue.

  unsigned sections() const { return inSection[0] + inSection[1] + inSection[2]; }
  /// Takes in a command. Once all are taken in, close() knows of the loop.
  void add(uint32_t step, unsigned section);
  void close(const CommandList &commands);
};
/// Of every buffer that commands touch.
llvm::DenseMap<mlir::Value, AccessRange> accessRangesOf(const CommandList &commands);

} // namespace llmc::npu
