// Small tensors on the host: what probing computes with.
#pragma once

#include "dialects/Lm/Lm.h"

#include <optional>
#include <vector>

namespace llmc::passes {

/// A tensor whose shape is known, and perhaps its elements.
struct HostTensor {
  enum class Element { Bool, Int32, Int64, Float32, Other };
  Element element = Element::Other;
  llvm::SmallVector<int64_t, 4> shape;
  bool hasData = false;
  std::vector<int64_t> ints; ///< Elements of Bool, Int32, Int64.
  std::vector<float> floats; ///< Elements of Float32.

  static HostTensor shapeOnly(Element element, llvm::ArrayRef<int64_t> shape);
  static HostTensor ofInts(Element element, llvm::ArrayRef<int64_t> shape,
                           std::vector<int64_t> values);
  static HostTensor ofFloats(llvm::ArrayRef<int64_t> shape, std::vector<float> values);

  /// Number of elements; INT64_MAX where a dimension is negative or the product overflows.
  int64_t size() const;
  int64_t rank() const { return int64_t(shape.size()); }
  bool isFloat() const { return element == Element::Float32; }
  bool isInteger() const { return element != Element::Float32 && element != Element::Other; }
};

/// The element kind of a type; Other where probing has no arithmetic for it.
HostTensor::Element elementOf(mlir::Type type);

/// ONNX's number of an element type to ours.
HostTensor::Element elementOfOnnx(int64_t dataType);

/// The constant behind a value: lm.get, a Constant node, arith.constant. Elements are read where
/// there are at most `limit`.
std::optional<HostTensor> constantOf(mlir::Value value, int64_t limit);

/// `fn(index, linear)` for every element of a shape, row by row.
void forEachIndex(llvm::ArrayRef<int64_t> shape,
                  llvm::function_ref<void(llvm::ArrayRef<int64_t>, int64_t)> fn);

/// Elements between neighbours of every axis in row-major order.
llvm::SmallVector<int64_t, 4> rowMajorStrides(llvm::ArrayRef<int64_t> shape);

/// The common shape of two that broadcast, or nothing.
std::optional<llvm::SmallVector<int64_t, 4>> broadcastShape(llvm::ArrayRef<int64_t> a,
                                                            llvm::ArrayRef<int64_t> b);

/// Linear index into a tensor of `shape` of the element that broadcasting puts at `index`.
int64_t broadcastIndex(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> index);

/// A tensor of `shape` whose element at `index` is element `source(index)` of `from`.
HostTensor remap(const HostTensor &from, llvm::ArrayRef<int64_t> shape, int64_t limit,
                 llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> source);

} // namespace llmc::passes
