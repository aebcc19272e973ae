// The numbers of an lm.weight: reading float views, making new constants.
#pragma once

#include "dialects/Lm/Lm.h"
#include "passes/Algorithms/WeightRounding.h"

#include <functional>

namespace llmc::passes {

/// A weight of f32, whatever its bytes, and rank 1 (one row) or 2; nothing where it is of another
/// type. Fails with a diagnostic where the bytes are not there.
mlir::FailureOr<std::optional<WeightView>> floatViewOf(lm::WeightOp weight);

/// Told after each reading of a weight which stored bytes are done with for now, from any thread:
/// whoever maps a file can give their memory back. May be empty.
using DoneReading = std::function<void(llvm::ArrayRef<char> bytes)>;

/// Tells `done` about the stored bytes of a weight.
void tellDone(const DoneReading &done, lm::WeightOp weight);

/// A constant that owns its bytes: by value where `like` is stored by value, otherwise a resource.
mlir::ElementsAttr constantLike(mlir::ElementsAttr like, mlir::StringRef name,
                                mlir::RankedTensorType type, llvm::ArrayRef<char> bytes);

} // namespace llmc::passes
