// The numbers of an lm.weight: reading fp32 views, making new constants.
#pragma once

#include "dialects/Lm/Lm.h"
#include "passes/Algorithms/WeightRounding.h"

namespace llmc::passes {

/// A weight of f32 and rank 1 (one row) or 2; nothing where it is of another type. Fails with a
/// diagnostic where the bytes are not there.
mlir::FailureOr<std::optional<WeightView>> floatViewOf(lm::WeightOp weight);

/// A constant that owns its bytes: by value where `like` is stored by value, otherwise a resource.
mlir::ElementsAttr constantLike(mlir::ElementsAttr like, mlir::StringRef name,
                                mlir::RankedTensorType type, llvm::ArrayRef<char> bytes);

} // namespace llmc::passes
