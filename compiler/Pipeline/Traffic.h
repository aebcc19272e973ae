// What a decoded token must move, whatever the plan: from the legalised lm program alone.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>

namespace llmc {

struct CompulsoryTraffic {
  uint64_t weightBytes = 0;        ///< Weights, scales, multipliers, norms, one row of each table.
  uint64_t kvBytesPerPosition = 0; ///< Keys and values of one position over all layers.
  uint64_t ioBytes = 0;            ///< One id in, one row of logits out.
};

/// `module` holds the quantized `@main`.
CompulsoryTraffic compulsoryTraffic(mlir::ModuleOp module);

} // namespace llmc
