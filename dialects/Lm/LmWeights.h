// Reading the bytes behind an lm.weight without copying them.
#pragma once

#include "dialects/Lm/Lm.h"

#include <vector>

namespace llmc::lm {

/// A strided view of a weight's bytes. Pointers stay valid as long as the module's context (and the
/// mapped model file) lives.
struct WeightView {
  const char *data = nullptr;                   ///< First byte of the stored tensor.
  int64_t offset = 0;                           ///< Elements from `data` to element 0 of the view.
  llvm::SmallVector<int64_t, 4> shape, strides; ///< Elements.
  mlir::Type elementType;                       ///< As stored: the weight may be f32 over f16.
  bool isSplat = false;                         ///< Every element is the one at `data`.

  template <class T> const T *as() const { return reinterpret_cast<const T *>(data) + offset; }
};

/// The view of a weight. Fails with a diagnostic where the bytes are not there (a resource that was
/// elided from printed IR).
mlir::FailureOr<WeightView> viewOf(WeightOp weight);

/// The stored float `element` of a view (`offset` included), widened to fp32.
float floatAt(const WeightView &view, int64_t element);

/// The floats of rows `first ... first + count` of axis 0, in row-major order, widened to fp32.
std::vector<float> floatsOf(const WeightView &view, int64_t first, int64_t count);

/// The weight is f32, its bytes are f16 or bf16.
bool isWidened(WeightOp weight);

/// The weight that a value reads through lm.get, or null.
WeightOp weightOf(mlir::Value value);

} // namespace llmc::lm
