// The identity of a quantized model: what a saved state may be given back to.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <array>
#include <cstdint>

namespace llmc {

/// SHA-256 over the operations of `@main` and the bytes of every weight it reads, the state's shape
/// included. Names and the place of the bytes do not count, so the same model from several
/// exporters has one identity.
std::array<uint8_t, 32> modelDigest(mlir::ModuleOp module);

} // namespace llmc
