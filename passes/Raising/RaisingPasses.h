// The raise phase: from imported ONNX nodes to the canonical lm program.
#pragma once

#include "passes/Raising/RaiseReport.h"

#include "mlir/Pass/PassManager.h"

#include <memory>
#include <string>

namespace llmc::passes {

struct RaiseOptions {
  int64_t context = 0;                 ///< Positions; 0: the module attribute `lm.context`.
  std::shared_ptr<RaiseReport> report; ///< Where to report; may be null.
  std::string reportFile;              ///< JSON is written there where it is not empty.
};

/// Appends the whole phase (bundle `llmc-raise`).
void buildRaisePipeline(mlir::OpPassManager &manager, const RaiseOptions &options);

/// Registers every pass of this folder and the bundle `llmc-raise`.
void registerRaisingPasses();

} // namespace llmc::passes
