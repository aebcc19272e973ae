// The steps of a direct program on the queues of the devices that run its kernels.
#pragma once

#include "passes/Lowering/DirectProgram.h"

namespace llmc::passes {

/// Kernels run in the order of the program, whose buffers share memory: those of one queue follow
/// each other, and where the next one is another queue's, it waits until the queue before is done.
class DirectDispatch {
public:
  DirectDispatch(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}

  /// `kernels` are those of the program; null where another queue runs them.
  void addQueue(mlir::FlatSymbolRefAttr queue, llvm::ArrayRef<mlir::FlatSymbolRefAttr> kernels) {
    queues.push_back({queue, kernels});
  }
  void add(llvm::ArrayRef<DirectStep> steps);
  /// The body of a loop: what is under way when it begins may be its own end's.
  void addRepeated(llvm::ArrayRef<DirectStep> steps);

private:
  struct Queue {
    mlir::FlatSymbolRefAttr symbol;
    llvm::ArrayRef<mlir::FlatSymbolRefAttr> kernels;
    bool busy = false; ///< Dispatches may be under way.
  };

  Queue &queueOf(const DirectCall &call);
  void wait(Queue &queue);
  void create(const DirectCall &call);
  void create(const DirectRead &read);
  void create(const DirectGather &gather);
  void create(const DirectWait &wait);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  llvm::SmallVector<Queue, 2> queues;
  Queue *last = nullptr; ///< Of the last dispatch.
};

} // namespace llmc::passes
