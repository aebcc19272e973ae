// Pass llmc-tile: entries become programs of transfers, matrix tiles and vector chains.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace llmc::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Tiling/Tile.h.inc"
} // namespace llmc::passes
