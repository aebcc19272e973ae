// Questions that encoders of kernels ask of a plan.file.
#pragma once

#include "dialects/Plan/Plan.h"

#include <vector>

namespace llmc {

/// The plan's parameters by their index.
class ParameterIndices {
public:
  explicit ParameterIndices(plan::FileOp file);
  /// Those that the arguments of the kernel's program become, in their order.
  std::vector<int16_t> of(plan::KernelOp kernel) const;

private:
  llvm::DenseMap<mlir::StringAttr, int16_t> indices;
};

/// How often a run of the entry submits it: loops run as often as they state.
uint64_t timesOf(mlir::Operation *step);

} // namespace llmc
