// Sizes that all entries of a plan share.
#pragma once

#include "dialects/Npu/IoLayout.h"
#include "dialects/Npu/KvLayout.h"
#include "dialects/Plan/Plan.h"
#include "passes/Lowering/DirectProgram.h"

#include "llvm/Support/MathExtras.h"

namespace llmc::passes {

// Alignments: what is executed or streamed starts on a page, the rest on a vector.
constexpr uint64_t kPage = 4096, kVector = 64;

/// Weights have a digest for each so many bytes: what differs can be named, and read again alone.
/// Paged ones may be compared each time that a page or a row is read, and then in whole chunks:
/// what a flash erases at a time.
constexpr uint64_t kWeightChunk = uint64_t(1) << 20, kPagedChunk = 4096;

inline bool isHead(npu::ProgramOp program) { return program.getKind() == lm::EntryKind::Head; }

struct PlanShapes {
  npu::KvLayout kv;
  npu::IoLayout io;
  uint64_t vocabulary = 0, context = 0, headRows = 1;
  uint64_t sramBytes = 0, scratchBytes = 0, weightsBytes = 0, pagedBytes = 0;
  PagesNeed pages; ///< In memory, of the paged weights.

  uint64_t idsBytes() const { return llvm::alignTo(uint64_t(io.rows) * 4, kVector); }
  uint64_t ioBytes() const { return uint64_t(io.logitsOffset()) + headRows * vocabulary * 4; }

  /// Errors: a size that is missing, or beyond what a plan says.
  static mlir::FailureOr<PlanShapes> of(mlir::ModuleOp module,
                                        llvm::ArrayRef<npu::ProgramOp> programs,
                                        lm::KvStateOp cache, plan::ModelOp model);

private:
  mlir::LogicalResult measurePrograms(mlir::ModuleOp module,
                                      llvm::ArrayRef<npu::ProgramOp> programs);
  mlir::LogicalResult measureState(lm::KvStateOp cache);
};

/// An error: `op` does not have what the pass needs.
mlir::LogicalResult missing(mlir::Operation *op, const char *what);

} // namespace llmc::passes
