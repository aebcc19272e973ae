// Programs of direct machines: every command becomes a kernel of its own and a dispatch of it.
#pragma once

#include "dialects/Npu/Npu.h"
#include "passes/Lowering/FileBuilder.h"

#include <variant>

namespace llmc::passes {

/// The plan's buffers that commands address. Pages are read from `paged` into `pages`, which has
/// `slots` of `slotBytes` each, then gathered rows.
struct DirectMemories {
  mlir::FlatSymbolRefAttr weights, state, ids, io, scratch, paged, pages;
  int64_t slots = 0, slotBytes = 0;
};

/// One dispatch: which of the program's kernels, on which operands of the plan.
struct DirectCall {
  size_t kernel = 0;
  llvm::SmallVector<mlir::Attribute> args;
};

/// A read of paged weights, into a slot.
struct DirectRead {
  mlir::FlatSymbolRefAttr source, destination;
  int64_t bytes = 0;
};

/// Rows of paged weights by id.
struct DirectGather {
  mlir::FlatSymbolRefAttr table, ids, destination;
  int64_t rowBytes = 0, bound = 0;
};

/// Until no more than so many reads are under way; or, `forDispatches`, no dispatch.
struct DirectWait {
  int64_t outstanding = 0;
  bool forDispatches = false;
};

using DirectStep = std::variant<DirectCall, DirectRead, DirectGather, DirectWait>;

struct DirectProgram {
  llvm::SmallVector<npu::KernelOp> kernels;
  llvm::SmallVector<DirectStep> prologue, body, epilogue; ///< The body runs `trips` times.
  int64_t trips = 0;
};

/// Slots and gathered rows that planned programs need.
struct PagesNeed {
  int64_t slots = 0, slotBytes = 0, gatheredBytes = 0;

  void add(npu::ProgramOp program);
  int64_t bytes() const { return slots * slotBytes + gatheredBytes; }
};

/// Trips of the plan's loop. With pages in it, the last trip is written out behind the loop: what
/// it reads ahead is not of another trip.
int64_t loopTripsOf(npu::ProgramOp program);

/// Commands that differ in nothing but their addresses share a kernel, written behind the program.
/// `counter` is the plan's loop parameter that counts trips; null where there are none.
DirectProgram outlineKernels(npu::ProgramOp program, FileBuilder &out,
                             const DirectMemories &memories, mlir::FlatSymbolRefAttr counter);

} // namespace llmc::passes
