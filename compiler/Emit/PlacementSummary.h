// How much of a plan runs on the machine that it was asked for, and why the rest does not.
#pragma once

#include "compiler/Emit/PlanDevices.h"
#include "dialects/Plan/Plan.h"

#include <string>
#include <vector>

namespace llmc {

struct KernelCount {
  uint64_t kernels = 0; ///< That differ in more than their addresses.
  uint64_t runs = 0;    ///< In one run of every entry, layers counted.
};

struct PlacementSummary {
  struct Reason {
    std::string text;
    KernelCount count; ///< What is not supported for this reason.
  };

  KernelCount own, fallback;
  std::vector<Reason> reasons; ///< In program order.
};

/// Of a lowered module for a direct machine.
PlacementSummary placementOf(mlir::ModuleOp module);

/// Of a lowered module for a machine with command streams: what its target refuses counts for the
/// fallback. All commands are kernels but transfers.
PlacementSummary placementOf(plan::FileOp file, const PlanDevice &device);

} // namespace llmc
