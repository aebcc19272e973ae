// Kernels of a plan.file encoded by their target.
#pragma once

#include "compiler/Emit/PlanDevices.h"
#include "dialects/Plan/Plan.h"

#include <optional>
#include <string>
#include <vector>

namespace llmc {

/// What was estimated and planned of one entry, for reports.
struct EntryEstimate {
  std::string name, kind;
  uint32_t rows = 0;
  uint64_t sramBytes = 0, liveBytes = 0, prefetchBytes = 0, heldBytes = 0, blobBytes = 0;
  uint64_t engineCycles[target::kEngines] =
      {}; ///< Sum over the engine's commands, waits aside, at the arguments' maxima; in cycles of
          ///< the plan's machine also where another runs them.
  uint64_t commands = 0;
  uint64_t pageReads = 0, pageBytes = 0; ///< Of paged weights, in one run.
  uint64_t overlapped = 0; ///< Commands that run while one of those reads is under way.
};

struct EncodedKernels {
  llvm::DenseMap<mlir::StringAttr, std::vector<uint8_t>> code; ///< Of each kernel segment.
  std::vector<EntryEstimate> estimates;                        ///< One for each program.
};

/// Encodes every kernel and gives it its blob; entries get their cycles. Nothing, with `error` set,
/// where the target refuses a program or a kernel.
std::optional<EncodedKernels> encodeKernels(plan::FileOp file, const PlanDevices &devices,
                                            const target::HostServices &host, std::string &error);

} // namespace llmc
